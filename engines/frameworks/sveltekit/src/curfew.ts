import { createClient } from 'curfew-client';
import { createVerifier } from 'curfew-client/verifier';

const url = process.env['CURFEW_URL'] ?? 'http://127.0.0.1:2873';
const key = process.env['CURFEW_API_KEY'] ?? '';

/** Made when the first request needs it: this file is also evaluated when the application is built. */
export const verifier = () => createVerifier({ url, key, name: 'shop' });
export const client = createClient({ url, token: key });

declare global {
  namespace Curfew {
    interface Metadata {
      plan?: 'free' | 'paid';
    }
  }
}
