export type {
  Account,
  ApiKey,
  Device,
  Event,
  NamedSession,
  Operations,
  Problem,
  Receipt,
  Session,
  ShownNamedSession,
  ShownSession,
} from './api.gen.ts';
export { type CallOptions, type Client, type ClientOptions, createClient, pages } from './client.ts';
export { type ApiErrorCode, CurfewApiError } from './errors.ts';
