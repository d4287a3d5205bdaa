import { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';

/*
 * Imported before a server: it gets a signal at the moment that it listens, before its start is complete. An embedded
 * store listens too, to show that it is in use; a signal for that as well would be a second one on a busy machine.
 */
const { listen } = Server.prototype;
Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
  if (this instanceof HttpServer) this.once('listening', () => process.kill(process.pid, process.env['SIGNAL']));
  return Reflect.apply(listen, this, args);
};
