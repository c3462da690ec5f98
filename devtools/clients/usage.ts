// What a program does with the generated types: compiled with strict settings, and run against a server.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { env: Record<string, string | undefined> };

const api = createClient<paths>({
  baseUrl: process.env.BASE_URL ?? "",
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});

const expect = (what: string, found: unknown, wanted: unknown) => {
  if (found !== wanted) throw new Error(`${what}: ${String(found)} instead of ${String(wanted)}`);
};

const draft: components["schemas"]["EndpointDraft"] = { phone_number: "+15551234567", provider: "twilio", is_active: false };
const created = await api.POST("/api/settings/endpoints", { body: draft });
if (!created.data) throw new Error(JSON.stringify(created.error));
const { id, version } = created.data;

// A change of the label alone: what is left out stays as it is.
const params = { path: { endpoint_id: id }, header: { "If-Match": `"${version}"` } };
const changed = await api.PUT("/api/settings/endpoints/{endpoint_id}", { params, body: { label: "Front desk" } });
expect("is_active", changed.data?.is_active, false);
expect("label", changed.data?.label, "Front desk");

const stale = await api.PUT("/api/settings/endpoints/{endpoint_id}", { params, body: { label: "Lobby" } });
expect("code", stale.error?.code, "STALE");

const listed = await api.GET("/api/settings/endpoints", { params: { query: { limit: 10, is_active: false } } });
expect("number of endpoints", listed.data?.length, 1);

const active = await api.GET("/api/calls/providers");
const provider: "twilio" | "sinch" | null | undefined = active.data?.provider;
expect("provider", provider, null);

const config = await api.GET("/api/calls/providers/config");
const sid: string | undefined | null = config.data?.providers[0]?.twilioAccountSid;
expect("a field that is not set", sid, undefined);

const tested = await api.POST("/api/settings/providers/{provider}/verify", { params: { path: { provider: "twilio" } } });
expect("code", tested.data?.code, "not_configured");

const gone = await api.DELETE("/api/settings/endpoints/{endpoint_id}", { params: { path: { endpoint_id: id } } });
expect("status", gone.response.status, 204);
