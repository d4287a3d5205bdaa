export { client, verifier } from '../src/curfew.ts';
