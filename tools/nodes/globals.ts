/**
 * Replaces the global object for a bundled library. n8n's scanner refuses a package that accesses the global object as
 * a whole; otpauth uses only these members.
 */
export const bundledGlobals = { Buffer, TextDecoder, TextEncoder };
