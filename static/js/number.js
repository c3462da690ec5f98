// The keys on the page of a number: the same as in the table of numbers.
import { onKey } from "./keys.js";

const press = (part) => () => document.querySelector(`main ${part}`)?.click();
onKey("j", press("[rel=next]"));
onKey("k", press("[rel=prev]"));
onKey("e", press("[data-edit]"));
onKey("c", press("[data-copy]"));
onKey("r", press("[data-repair]"));
