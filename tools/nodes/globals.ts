/**
 * What a bundled library finds in the place of the global object. n8n's scanner refuses a package that reaches for the
 * whole of it; this is all that otpauth uses of it.
 */
export const bundledGlobals = { Buffer, TextDecoder, TextEncoder };
