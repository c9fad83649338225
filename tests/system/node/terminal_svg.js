// Draws a screen of a terminal, as `tmux capture-pane -e -p` writes it on standard input, as an SVG file on standard output.
// Blocks and lines are drawn as rectangles, so that no font leaves gaps between them; all else is text.
"use strict";

const fs = require("node:fs");

const WIDTH = 8.4;
const HEIGHT = 18;
const MARGIN = 12;
const BACKGROUND = "#11151c";
const FOREGROUND = "#d7dce4";
const COLORS = [
  "#3b4252", "#f0626f", "#8fce72", "#e9c46a", "#5b9df5", "#c48af0", "#56c8d8", "#d7dce4",
  "#6f7a8c", "#ff8b95", "#a8e08f", "#f5d98f", "#82b6ff", "#d9adff", "#7fdfec", "#ffffff",
];
const FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const BLOCKS = " ▁▂▃▄▅▆▇█";
const SHADES = { "░": 0.3, "▒": 0.55, "▓": 0.8 };

// The parameters of one escape sequence change what comes after it.
function obey(parameters, style) {
  const codes = parameters === "" ? [0] : parameters.split(";").map(Number);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at];
    if (code === 0) Object.assign(style, { fg: null, bg: null, bold: false, dim: false, reversed: false });
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 7) style.reversed = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 27) style.reversed = false;
    else if (code === 39) style.fg = null;
    else if (code === 49) style.bg = null;
    else if (code >= 30 && code <= 37) style.fg = COLORS[code - 30];
    else if (code >= 40 && code <= 47) style.bg = COLORS[code - 40];
    else if (code >= 90 && code <= 97) style.fg = COLORS[code - 82];
    else if (code >= 100 && code <= 107) style.bg = COLORS[code - 92];
    else if ((code === 38 || code === 48) && codes[at + 1] === 5) {
      style[code === 38 ? "fg" : "bg"] = COLORS[codes[at + 2]] ?? null;
      at += 2;
    } else throw new Error(`an escape sequence that is not known: ${parameters}`);
  }
}

// Lines of cells, each a letter with its colours.
function read(text) {
  const style = {};
  obey("", style);
  return text.replace(/\n$/, "").split("\n").map((line) => {
    const cells = [];
    for (const [part, parameters] of line.matchAll(/\x1b\[([\d;]*)m|\x1b\(B|\x0f|./gsu)) {
      if (part.startsWith("\x1b[")) obey(parameters, style);
      else if (!part.startsWith("\x1b") && part !== "\x0f") {
        const [fg, bg] = [style.fg ?? FOREGROUND, style.bg];
        const colors = style.reversed ? { fg: bg ?? BACKGROUND, bg: fg } : { fg, bg };
        cells.push({ letter: part, ...colors, bold: style.bold, dim: style.dim });
      }
    }
    return cells;
  });
}

const escape = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const number = (value) => String(Math.round(value * 100) / 100);

// Neighbours that `same` takes for one are one run.
function runs(cells, wanted, same) {
  const found = [];
  cells.forEach((cell, at) => {
    const last = found.at(-1);
    if (!wanted(cell)) return;
    if (last && last.end === at && same(last.cell, cell)) last.end++, (last.text += cell.letter);
    else found.push({ cell, start: at, end: at + 1, text: cell.letter });
  });
  return found;
}

const isBlock = ({ letter }) => BLOCKS.indexOf(letter) > 0 || letter in SHADES || "─│━".includes(letter);

function shape(cell) {
  if (cell.letter === "─") return { y: 0.48, height: 0.06 };
  if (cell.letter === "━") return { y: 0.42, height: 0.18 };
  if (cell.letter in SHADES) return { y: 0, height: 1 };
  const height = BLOCKS.indexOf(cell.letter) / 8;
  return { y: 1 - height, height };
}

function draw(lines) {
  const columns = Math.max(...lines.map((cells) => cells.length));
  const [width, height] = [columns * WIDTH + 2 * MARGIN, lines.length * HEIGHT + 2 * MARGIN];
  const drawn = [];
  const rectangle = (x, y, width, height, color, opacity = 1) => {
    const shine = opacity < 1 ? ` fill-opacity="${opacity}"` : "";
    const size = `width="${number(width)}" height="${number(height)}"`;
    drawn.push(`<rect x="${number(x)}" y="${number(y)}" ${size} fill="${color}"${shine}/>`);
  };
  lines.forEach((cells, line) => {
    const y = MARGIN + line * HEIGHT;
    for (const { cell, start, end } of runs(cells, (cell) => cell.bg, (one, other) => one.bg === other.bg)) {
      rectangle(MARGIN + start * WIDTH, y, (end - start) * WIDTH, HEIGHT, cell.bg);
    }
    const looksAs = (one, other) => one.fg === other.fg && one.bold === other.bold && one.dim === other.dim;
    const alike = (one, other) => one.letter === other.letter && one.letter !== "│" && looksAs(one, other);
    for (const { cell, start, end } of runs(cells, isBlock, alike)) {
      const opacity = (SHADES[cell.letter] ?? 1) * (cell.dim ? 0.5 : 1);
      if (cell.letter === "│") rectangle(MARGIN + (start + 0.45) * WIDTH, y, 1, HEIGHT, cell.fg, opacity);
      else {
        const { y: top, height } = shape(cell);
        rectangle(MARGIN + start * WIDTH, y + top * HEIGHT, (end - start) * WIDTH, height * HEIGHT, cell.fg, opacity);
      }
    }
    const text = (cell) => !isBlock(cell) && cell.letter !== " ";
    for (const { cell, start, end, text: letters } of runs(cells, text, looksAs)) {
      const looks = `${cell.bold ? ' font-weight="bold"' : ""}${cell.dim ? ' fill-opacity="0.6"' : ""}`;
      const place = `x="${number(MARGIN + start * WIDTH)}" y="${number(y + HEIGHT * 0.74)}"`;
      const length = `textLength="${number((end - start) * WIDTH)}"`;
      drawn.push(`<text ${place} ${length} fill="${cell.fg}"${looks}>${escape(letters)}</text>`);
    }
  });
  const size = `width="${number(width)}" height="${number(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${number(width)} ${number(height)}" ${size}`,
    ` font-family="${FONTS}" font-size="14" role="img">`,
    "<title>tachograph dashboard</title>",
    `<rect ${size} rx="8" fill="${BACKGROUND}"/>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

process.stdout.write(draw(read(fs.readFileSync(0, "utf8"))));
