import { Server } from 'node:net';

/* Imported before a server: it gets a signal at the moment that it listens, before its start is complete. */
const { listen } = Server.prototype;
Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
  this.once('listening', () => process.kill(process.pid, process.env['SIGNAL']));
  return Reflect.apply(listen, this, args);
};
