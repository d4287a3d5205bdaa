/** Gives the browser a file to keep, which is made on this page. `name`: with its ending, `.csv` or `.json`. */
export function download(name: string, text: string): void {
  const type = name.endsWith('.csv') ? 'text/csv' : 'application/json';
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A line for a spreadsheet. A value that looks like a formula is not to be one (CWE-1236). */
export function csvLine(values: readonly unknown[]): string {
  const cell = (value: unknown) => {
    const text = value === undefined ? '' : String(value);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `${values.map(cell).join(',')}\r\n`;
}

/** Tells spreadsheets that a file is in UTF-8. */
export const csvStart = '\u{feff}';
