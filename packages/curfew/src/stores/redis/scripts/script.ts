import { createHash } from 'node:crypto';
import { type PieceName, pieces } from './pieces.ts';

type Program = {
  readonly source: string;
  /** By which Redis knows a script that it has seen. */
  readonly sha1: string;
};

/** A program that Redis runs: alone, so that what it does is one step for everybody. */
export type Script = Program & {
  readonly name: string;
  readonly writes: boolean;
  /** What runs in a part of a store that does not grant the leases. */
  readonly elsewhere: Program;
};

type Declaration = {
  name: string;
  /** What the program calls of the shared pieces. */
  uses?: readonly PieceName[];
  body: string;
};

/** The beginnings of the keys: a user's, and those of nobody. */
const beginnings = 'local home, shared = KEYS[1], KEYS[2]\n';

/*
 * A replica is behind, so nothing is read there. A program that may write is refused by a replica as a whole; one that
 * only reads is not, and nothing that it may ask tells it where it runs. So it begins with a write that changes
 * nothing: a replica refuses that one, and so does a node that has lost most of its Cluster. When Redis refuses it for
 * another reason (its disk is full), reading goes on. It does not where the leases are granted elsewhere and Redis lacks
 * replicas: another primary may have replaced it, and no lease of its own runs out.
 */
const refuseOnReplica = (alsoFor: string) => `
local refused = redis.pcall('DEL', shared .. 'nothing')
if type(refused) == 'table' and refused.err then
  if string.find(refused.err, 'READONLY', 1, true)${alsoFor} then return refused end
  if string.find(refused.err, 'cluster is down', 1, true) then return redis.error_reply('CLUSTERDOWN The cluster is down') end
end
`;

const lacksReplicas = ` or string.find(refused.err, 'NOREPLICAS', 1, true)`;

/** A program that only reads. It runs when Redis is full or cannot write its disk. */
export function reading(declaration: Declaration): Script {
  const { source, sha1 } = finish(declaration, beginnings + refuseOnReplica(lacksReplicas), false);
  return { ...readingAlways(declaration), elsewhere: { source, sha1 } };
}

/** The same for what never changes while servers run, so that it need not be the latest. */
export function readingAlways(declaration: Declaration): Script {
  return finish(declaration, beginnings + refuseOnReplica(''), false);
}

/** `names`: of the arguments of a question. `once`: what stands before the answers to all of them. */
type Questions = Declaration & { names: readonly string[]; once?: string };

/**
 * The same for many questions at once. ARGV: for each, the beginning of a user's keys behind that of all others, and then
 * its arguments. The body answers one: it gets `home`, and the arguments by their `names`.
 */
export function readingEach({ names, once = '', body, ...rest }: Questions): Script {
  const [args, width] = [names.join(', '), names.length + 1];
  const each = `${once}
local function answer(home, ${args})${body}end
local answers = {}
for i = 1, #ARGV, ${width} do answers[#answers + 1] = answer(shared .. ARGV[i], unpack(ARGV, i + 1, i + ${width - 1})) end
return answers
`;
  return reading({ ...rest, body: each });
}

/**
 * A program that writes. With this first line Redis looks before the first step whether it may write at all: on a
 * replica, when it is full, when it cannot write its disk, it refuses, and nothing has changed.
 */
export function writing(declaration: Declaration): Script {
  return finish(declaration, `#!lua\n${beginnings}`, true);
}

/** A program that writes when Redis is full as well: it makes room, or what it writes replaces its like. */
export function writingWhenFull(declaration: Declaration): Script {
  return finish(declaration, `#!lua flags=allow-oom\n${beginnings}`, true);
}

function finish({ name, uses = [], body }: Declaration, head: string, writes: boolean): Script {
  const source = head + withPieces(uses) + body;
  const program = { source, sha1: createHash('sha1').update(source).digest('hex') };
  return { name, ...program, writes, elsewhere: program };
}

/** The pieces that are named and those that they call, each once and before whoever calls it. */
export function withPieces(names: readonly PieceName[]): string {
  const taken = new Set<PieceName>();
  let source = '';
  const take = (name: PieceName) => {
    if (taken.has(name)) return;
    taken.add(name);
    for (const other of pieces[name].uses) take(other);
    source += pieces[name].source;
  };
  for (const name of names) take(name);
  return source;
}
