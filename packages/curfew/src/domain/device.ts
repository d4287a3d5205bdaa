import { UAParser } from 'ua-parser-js';

/** What a user agent reveals about the device; unknown parts are absent. */
export type Device = {
  /** `browser`, `mobile`, `tablet`, `desktop_app`, `bot`, `console`, … or `unknown`. */
  type: string;
  name?: string;
  /** The major version, such as `120`. */
  version?: string;
  longVersion?: string;
  os?: { name: string; version?: string };
  model?: string;
};

const unknown: Device = Object.freeze({ type: 'unknown' });

/**
 * Reads a `User-Agent` header. It never throws; an unknown one gives `{ type: 'unknown' }`. The same few headers keep
 * coming, and reading one takes ten times as long as everything else about a new session, so recent results are cached.
 */
export function deviceOf(userAgent: string | undefined): Device {
  if (!userAgent) return unknown;
  const known = remembered.get(userAgent);
  if (known) return known;
  const device = Object.freeze(readDevice(userAgent));
  if (remembered.size >= mostRemembered) remembered.clear();
  remembered.set(userAgent, device);
  return device;
}

const mostRemembered = 1000;
const remembered = new Map<string, Device>();

function readDevice(userAgent: string): Device {
  const { browser, os, device } = new UAParser(userAgent).getResult();
  const known: Device = { type: device.type ?? (browser.name ? 'browser' : programType(userAgent)) };
  const program = browser.name ? undefined : /^([A-Za-z][\w.-]{0,40})\/(\d[\w.]{0,20})/.exec(userAgent);
  const name = browser.name ?? program?.[1];
  const longVersion = browser.version ?? program?.[2];
  if (name) known.name = name;
  if (longVersion) {
    known.version = longVersion.split('.')[0]!;
    known.longVersion = longVersion;
  }
  if (os.name) known.os = os.version ? { name: os.name, version: os.version } : { name: os.name };
  if (device.model) known.model = device.model;
  return known;
}

/** `program/1.0` is a program that is not a browser, such as `curl/8.5.0`. */
function programType(userAgent: string): string {
  return /^[A-Za-z][\w.-]*\/\d/.test(userAgent) && !userAgent.startsWith('Mozilla/') ? 'program' : 'unknown';
}
