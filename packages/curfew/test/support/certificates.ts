import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A private certificate authority and a certificate that it signed, for 127.0.0.1. */
export function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const make = ['req', '-newkey', 'rsa:2048', '-nodes'];
  openssl(...make, '-x509', '-days', '2', '-subj', '/CN=private', '-keyout', 'ca.key', '-out', 'ca.crt');
  openssl(...make, '-subj', '/CN=redis', '-keyout', 'redis.key', '-out', 'redis.csr');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1');
  const sign = ['x509', '-req', '-in', 'redis.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
  openssl(...sign, '-days', '2', '-extfile', 'names', '-out', 'redis.crt');
}
