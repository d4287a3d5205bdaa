// What a bundler finds instead of the store for an edge runtime or a browser: the build fails, and says why.
import './The store for express-session requires Node.js, as express-session itself does.js';
