import { formatTwoColumns, wrapIntoLines } from "./render-help.ts";
import type { Topic, TopicPart } from "./topics.ts";

function withoutBackquotes(text: string): string {
  return text.replaceAll("`", "");
}

/** A topic as help on a terminal of a width. */
export function renderTopic(topic: Topic, width: number, color: boolean): string {
  const bold = (text: string): string => (color ? `\u001b[1m${text}\u001b[22m` : text);
  const paragraph = (text: string): string => `${wrapIntoLines(withoutBackquotes(text), width).join("\n")}\n`;
  const part = (piece: TopicPart): string => {
    switch (piece.kind) {
      case "heading":
        return `\n${bold(piece.text)}:\n`;
      case "text":
        return `\n${paragraph(piece.text)}`;
      case "rows":
        return `\n${formatTwoColumns(
          piece.rows.map(([term, meaning]) => [term, withoutBackquotes(meaning)] as const),
          width,
          color,
        )}`;
      case "lines":
        return `\n${piece.lines.map((line) => `  ${line}\n`).join("")}`;
    }
  };
  return [`${bold(topic.title)}\n`, ...topic.parts.map(part)].join("").replaceAll(":\n\n", ":\n");
}
