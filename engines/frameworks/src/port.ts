/** Where an application of the tests listens; it prints this line once it does. */
export const port = Number(process.env['PORT'] ?? 0);

export function listening(actual: number): void {
  console.log(`listening on http://127.0.0.1:${actual}`);
}
