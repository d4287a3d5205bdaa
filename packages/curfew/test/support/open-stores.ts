import { openLmdbStore } from '../../src/stores/lmdb/index.ts';

/*
 * A separate program, which damaged files may crash: opens the embedded store in each folder that is named on standard
 * input, reads all of it, writes to it and reports the result.
 */
process.stdin.setEncoding('utf8');
let told = '';
for await (const chunk of process.stdin) {
  told += chunk;
  for (let end = told.indexOf('\n'); end >= 0; end = told.indexOf('\n')) {
    console.log(await tryOut(told.slice(0, end)));
    told = told.slice(end + 1);
  }
}

async function tryOut(folder: string): Promise<string> {
  try {
    const store = await openLmdbStore(folder);
    try {
      let records = 0;
      for await (const _ of store.exportRecords()) records += 1;
      await store.appendEvent({ type: 'store.failed_over', at: 1, by: 'library' });
      return `opened ${records}`;
    } finally {
      await store.close();
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code} ${message}`;
  }
}
