// What a bundler finds instead of the verifier for an edge runtime or a browser: the build fails, and says why.
import './The verifier requires Node.js. Use remoteVerifier of curfew-client/request here.js';
