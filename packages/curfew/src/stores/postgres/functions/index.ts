import { commit } from './commit.ts';
import { counters } from './counters.ts';
import { nodes } from './nodes.ts';
import { sweep } from './sweep.ts';
import { users } from './users.ts';

/** All functions of the schema but those of triggers, in an order in which each is there before what calls it. */
export const functions: string = [counters, users, nodes, sweep, commit].join('\n');
