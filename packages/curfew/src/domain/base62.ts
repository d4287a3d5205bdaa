import type { Random } from './ports.ts';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** What each digit stands for, by its character code; NaN for what is no digit. */
const values: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  const value = digits.indexOf(String.fromCharCode(code));
  return value < 0 ? Number.NaN : value;
});
/** Bytes from here up are thrown away: 248 is the largest multiple of 62 in a byte, so every digit is as likely. */
const unbiased = 248;

export const base62 = /^[0-9A-Za-z]+$/;

/** A number ≥ 0 in base 62, padded with zeros to `width`; its order as text is its order as a number. */
export function encodeNumber(value: number, width: number): string {
  let text = '';
  for (let rest = value; text.length < width; rest = Math.floor(rest / 62)) text = digits[rest % 62] + text;
  return text;
}

/** Reads what {@link encodeNumber} wrote; NaN when a character is no digit. */
export function decodeNumber(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = value * 62 + (values[text.charCodeAt(i)] ?? Number.NaN);
  return value;
}

/** `length` digits, each drawn evenly: 43 of them hold 256 bits. */
export function randomDigits(length: number, random: Random): string {
  let text = '';
  while (text.length < length) {
    for (const byte of random(length - text.length + 8)) {
      if (byte < unbiased && text.length < length) text += digits[byte % 62];
    }
  }
  return text;
}

/** Bytes as one number in base 62, lowest digit first, cut or padded to `length`: 43 hold all of 32 bytes. */
export function digitsOf(bytes: Uint8Array, length: number): string {
  let number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (; text.length < length; number /= 62n) text += digits[Number(number % 62n)];
  return text;
}
