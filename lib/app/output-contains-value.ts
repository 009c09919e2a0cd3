import type { JsonObject } from "../core/json/json.ts";
import { type Format, isInSelection, splitSelection, writesEveryField } from "../core/output/formats.ts";
import { createStreamRenderer, type ResultView } from "../core/output/render.ts";
import type { RenderOptionsFactory } from "./write-result.ts";

/** Whether a format writes a text of a value, such as its secret, which some formats leave out. */
export function outputContainsValue(
  format: Format,
  render: RenderOptionsFactory,
  view: ResultView<JsonObject>,
  item: JsonObject,
  text: string,
): boolean {
  if (format.kind === "id") return false;
  if (writesEveryField(format)) return true;
  const rendered = (shown: JsonObject): string => {
    const renderer = createStreamRenderer(format, view, render(view.isAlwaysList === true, false));
    return renderer.item(shown) + renderer.end();
  };
  if ("query" in format) return isInSelection(splitSelection(rendered(item)), text);
  // The other formats encode the text in their own ways, so the output with it is compared to the output without it.
  const without = Object.fromEntries(Object.entries(item).filter(([, value]) => value !== text));
  return rendered(item) !== rendered(without);
}
