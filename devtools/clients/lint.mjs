// Prints, for each OpenAPI document that is named, what Redocly's and Spectral's recommended rules find in it.
import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import spectral from "@stoplight/spectral-core";
import parsers from "@stoplight/spectral-parsers";
import rulesets from "@stoplight/spectral-rulesets";

const config = await createConfig({ extends: ["recommended"] });
const linter = new spectral.Spectral();
linter.setRuleset({ extends: [[rulesets.oas, "recommended"]] });

const redocly = async (source, path) => {
  const found = await lintFromString({ source, absoluteRef: path, config });
  return found.map(({ ruleId, message, location: [place] }) => `redocly ${ruleId} ${place.pointer}: ${message}`);
};

const stoplight = async (source, path) => {
  const found = await linter.run(new spectral.Document(source, parsers.Json, path));
  return found.map(({ code, path: place, message }) => `spectral ${code} ${place.join("/")}: ${message}`);
};

const findings = [];
for (const path of process.argv.slice(2)) {
  const source = readFileSync(path, "utf8");
  findings.push([...(await redocly(source, path)), ...(await stoplight(source, path))]);
}
console.log(JSON.stringify(findings));
