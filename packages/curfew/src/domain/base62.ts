import type { Random } from './ports.ts';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The value of each digit, by its character code; NaN for characters that are not digits. */
const values: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  const value = digits.indexOf(String.fromCharCode(code));
  return value < 0 ? Number.NaN : value;
});
/** Bytes from here up are discarded: 248 is the largest multiple of 62 in a byte, so all digits are equally likely. */
const unbiased = 248;
const fiveDigits = 62n ** 5n;

export const base62 = /^[0-9A-Za-z]+$/;

/** A number ≥ 0 in base 62, padded with zeros to `width`, so that texts sort like the numbers. */
export function encodeNumber(value: number, width: number): string {
  let text = '';
  for (let rest = value; text.length < width; rest = Math.floor(rest / 62)) text = digits[rest % 62] + text;
  return text;
}

/** Reads what {@link encodeNumber} wrote; NaN if a character is not a digit. */
export function decodeNumber(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = value * 62 + (values[text.charCodeAt(i)] ?? Number.NaN);
  return value;
}

/** `length` uniformly random digits: 43 of them contain 256 bits. */
export function randomDigits(length: number, random: Random): string {
  let text = '';
  while (text.length < length) {
    for (const byte of random(length - text.length + 8)) {
      if (byte < unbiased && text.length < length) text += digits[byte % 62];
    }
  }
  return text;
}

/** Bytes as one number in base 62, lowest digit first, cut or padded to `length`; 43 digits are enough for 32 bytes. */
export function digitsOf(bytes: Uint8Array, length: number): string {
  let text = '';
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  while (text.length < length) {
    // Several digits at a time, which then fit in a small integer: a large number takes long to divide.
    let low = Number(rest % fiveDigits);
    rest /= fiveDigits;
    for (let i = 0; i < 5 && text.length < length; i++, low = Math.floor(low / 62)) text += digits[low % 62];
  }
  return text;
}
