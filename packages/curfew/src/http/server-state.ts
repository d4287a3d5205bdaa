import type { Finding } from '../domain/finding.ts';

/** What administrators see of a server. Times are epoch milliseconds. */
export type ServerState = {
  startedAt: number;
  store: {
    kind: string;
    engine: string;
    location: string;
    format: number;
    bytes: number;
    facts: Readonly<Record<string, string | number | boolean>>;
  };
  nodes: { id: string; here: boolean; lag: number; silent: number; alive: boolean }[];
  verifiers: {
    name: string | undefined;
    key: { id: string; name: string };
    attached: boolean;
    lease: number;
    lag: number;
  }[];
  settings: readonly { name: string; value: string; isDefault: boolean; help: string }[];
  findings: Finding[];
};
