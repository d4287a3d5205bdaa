import type { SessionLocals } from 'curfew-client/sveltekit';

declare global {
  namespace App {
    interface Locals extends SessionLocals {}
  }
}
