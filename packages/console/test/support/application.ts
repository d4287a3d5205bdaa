import { createVerifier } from 'curfew-client/verifier';

/*
 * An application in its own process, which a test can freeze. Arguments: the server's URL, a key, the application's
 * name, a token. It prints whether the token is valid; once at the start and again whenever a line comes in.
 */
const [url, key, name, token] = process.argv.slice(2) as [string, string, string, string];
const verifier = createVerifier({ url, key, name });
const tell = async () => console.log((await verifier.verify(token)).active ? 'active' : 'over');
await tell();
process.stdin.on('data', () => void tell());
