import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, relative } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { CurfewError } from '../../errors.ts';

/*
 * One process owns the folder. LMDB itself would admit any number, so the owner writes its name into the store, and
 * listens on a socket in the folder for as long as it lives. The kernel closes that when the process dies, however it
 * dies, so there is never a stale lock to clear by hand, nor a pid to trust, which another process may have by now.
 * Taking over is one write transaction, and LMDB runs those one at a time, even across processes.
 */

type OwnerRow = { socket: string; pid: number };
const row = 'owner';
const socketName = /^owner-[0-9a-f]+\.sock$/;

export type Ownership = { release(): Promise<void> };

/** @throws `store_in_use` if another living process owns the store; the error of the system if that cannot be known */
export async function takeOwnership(root: RootDatabase, meta: Database, folder: string): Promise<Ownership> {
  const mine: OwnerRow = { socket: `owner-${randomBytes(6).toString('hex')}.sock`, pid: process.pid };
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(addressOf(folder, mine.socket), resolve);
  });
  server.unref();
  try {
    for (;;) {
      // Never from a read transaction that began before another process wrote.
      root.resetReadTxn();
      const other = meta.get(row) as OwnerRow | undefined;
      if (other && (await answers(addressOf(folder, other.socket)))) {
        throw new CurfewError('store_in_use', { detail: `Process ${other.pid} has ${folder} open.` });
      }
      const taken = root.transactionSync(() => {
        if ((meta.get(row) as OwnerRow | undefined)?.socket !== other?.socket) return false;
        meta.putSync(row, mine);
        return true;
      });
      if (!taken) continue;
      // Somebody who may write the store may have written any path there.
      if (other && socketName.test(other.socket)) rmSync(join(folder, other.socket), { force: true });
      break;
    }
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Whether a living process has the folder open; does not open the store. @throws as {@link answers} */
export async function isOwned(folder: string): Promise<boolean> {
  const sockets = readdirSync(folder).filter((name) => socketName.test(name));
  const living = await Promise.all(sockets.map((name) => answers(addressOf(folder, name))));
  return living.includes(true);
}

/** A socket's path may be little over a hundred bytes long; if the folder's is longer, a relative one may fit. */
function addressOf(folder: string, name: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\curfew-${name}`;
  const path = join(folder, name);
  const address = path.length > 100 ? relative(process.cwd(), path) : path;
  if (address.length > 100) {
    throw new CurfewError('config_invalid', {
      detail: `CURFEW_STORE: the path of the data folder is too long (${folder}); at most 70 characters.`,
    });
  }
  return address;
}

/** What the system says if nobody listens at an address. Any other error, such as EAGAIN, says nothing about that. */
const isNobody: readonly (string | undefined)[] = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'];

/** Whether a process listens there. @throws the error of the system if that cannot be known */
function answers(address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (isNobody.includes(error.code)) resolve(false);
      else reject(error);
    });
  });
}
