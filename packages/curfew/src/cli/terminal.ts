import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters, styleText } from 'node:util';
import stringWidth from 'string-width';
import { escapeSteering, oneLine } from '../domain/steering.ts';

/** Where a command writes: answers go to standard output, everything else to standard error. */
export type Terminal = {
  /** For programs: JSON, no prompts, no colours. */
  json: boolean;
  /** Whether somebody at the terminal can be asked. */
  interactive: boolean;
  /** How wide the lines of standard output can be. */
  width: number;
  /** Writes lines as they are: tables, JSON, and what one copies. */
  out(text: string): void;
  /** Writes sentences, wrapped at the terminal's width. */
  say(text: string): void;
  /** Writes sentences to standard error, wrapped at the terminal's width. */
  err(text: string): void;
};

export function createTerminal(json: boolean): Terminal {
  return {
    json,
    interactive: !json && process.stdin.isTTY === true && process.stderr.isTTY === true,
    width: Number(process.stdout.isTTY ? 0 : process.env['COLUMNS']) || columnsOf(process.stdout),
    out: (text) => writeTo(process.stdout, text),
    say: (text) => writeTo(process.stdout, wrap(text, columnsOf(process.stdout))),
    err: (text) => writeTo(process.stderr, wrap(text, columnsOf(process.stderr))),
  };
}

/** How many columns a stream has: no limit, unless it is a terminal. */
export function columnsOf(stream: Partial<WriteStream>): number {
  // A terminal that does not know its size says 0.
  return stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY;
}

/**
 * Sentences on lines of at most this width, broken only between words. The lines that continue one have its indentation,
 * or that of its text if the line begins with `lead`.
 */
export function wrap(text: string, width: number, lead = ''): string {
  return (lead + text)
    .split('\n')
    .map((line, i) => {
      if (widthOf(line) <= width) return line;
      const first = i === 0 && lead !== '' ? lead : /^ */.exec(line)![0];
      const indent = ' '.repeat(widthOf(first));
      const lines: string[] = [];
      for (const word of line.slice(first.length).match(words) ?? []) {
        const longer = lines.length > 0 && `${lines.at(-1)} ${word}`;
        if (longer && widthOf(longer) <= width) lines[lines.length - 1] = longer;
        else lines.push((lines.length === 0 ? first : indent) + word);
      }
      return lines.join('\n');
    })
    .join('\n');
}

/** Words. Code in backquotes is one: people copy it, and a line break in a command would run half of it. */
const words = /(?:`[^`]*`|[^ ])+/g;

/** Writes lines. All texts, which may contain texts from others, reach a terminal only through this. */
export function writeTo(stream: NodeJS.WritableStream, text: string): void {
  const shown = harmless(text);
  stream.write(`${showsColours(stream) ? shown : stripVTControlCharacters(shown)}\n`);
}

/** What an error of standard output means: its reader may stop early, as in `curfew sessions list | head`. */
export function stopWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

/** Whether a stream is a terminal that shows colours; respects NO_COLOR. */
const showsColours = (stream: NodeJS.WritableStream) => styleText('red', '.', { stream }) !== '.';

/** JSON without anything that steers a terminal. */
export function jsonText(value: unknown, indent?: number): string {
  return escapeSteering(JSON.stringify(value, null, indent));
}

/** The colour codes that {@link paint} writes; others are removed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what they begin with
const ourColours = /(\x1b\[(?:[12]|22|3[1236]|39)m)/;

function harmless(text: string): string {
  const parts = text.split(ourColours);
  return parts.map((part, i) => (i % 2 === 1 ? part : part.split('\n').map(oneLine).join('\n'))).join('');
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Adds a style, which {@link writeTo} leaves out where it is not supported. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { validateStream: false });
}

export type Column<Row> = {
  head: string;
  of(row: Row): string;
  /** What it shows if the table is too wide for the terminal. */
  short?(row: Row): string;
  style?: (row: Row) => Style | undefined;
  least?: number;
};

/**
 * Rows as a table without borders, each on one line. If the terminal is too narrow, columns that have a short form show
 * that, and then the widest column is shortened, then the next, each down to its minimum.
 */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string {
  const whole = sized(rows, columns);
  const { cells, widths, total } =
    whole.total <= width
      ? whole
      : sized(
          rows,
          columns.map((column) => ({ ...column, of: column.short ?? column.of })),
        );
  for (let over = total - width; over > 0; over--) {
    const most = Math.max(...widths.filter((one, i) => one > leastOf(columns[i]!)));
    const widest = widths.findLastIndex((one, i) => one === most && one > leastOf(columns[i]!));
    if (widest < 0) break;
    widths[widest]! -= 1;
  }
  const line = (texts: readonly string[], style: (i: number) => Style | undefined) =>
    texts
      .map((text, i) => {
        const fitted = fit(text, widths[i]!);
        const name = style(i);
        // Without the spaces, of which a line has none at its end.
        return name ? fitted.replace(/^.*\S/, (shown) => paint(name, shown)) : fitted;
      })
      .join(' '.repeat(gap))
      .trimEnd();
  const head = line(
    columns.map((column) => column.head),
    () => 'dim',
  );
  return [head, ...rows.map((row, r) => line(cells[r]!, (i) => columns[i]!.style?.(row)))].join('\n');
}

/** The texts of a table, how wide each column of them is, and the whole. */
function sized<Row>(rows: readonly Row[], columns: readonly Column<Row>[]) {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.of(row))));
  const widths = columns.map(({ head }, i) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[i]!)), head.length),
  );
  return { cells, widths, total: widths.reduce((sum, one) => sum + one + gap, -gap) };
}

const gap = 2;

/** The minimum width of a column, however narrow the terminal is. */
function leastOf<Row>({ least = 8 }: Column<Row>): number {
  return least;
}

/** A text at exactly that width: padded, or cut with an ellipsis. */
function fit(text: string, width: number): string {
  const size = widthOf(text);
  if (size <= width) return text + ' '.repeat(width - size);
  let kept = '';
  for (const { segment } of segments.segment(text)) {
    if (widthOf(kept) + widthOf(segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…${' '.repeat(width - 1 - widthOf(kept))}`;
}

const segments = new Intl.Segmenter();

/** The width of a text on a terminal. */
function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);
}

/** A time relative to now: `12 s ago`, `in 6 d`. */
export function relative(moment: string, now: number = Date.now()): string {
  const seconds = Math.round((Date.parse(moment) - now) / 1000);
  const size = Math.abs(seconds);
  const [unit, length] = units.find(([, candidate]) => size >= candidate) ?? ['s', 1];
  const amount = `${Math.floor(size / length)} ${unit}`;
  if (size === 0) return 'now';
  return seconds < 0 ? `${amount} ago` : `in ${amount}`;
}

const units: readonly [string, number][] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
];

/** `1 session`, `10,000 sessions`. */
export function counted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`;
}
