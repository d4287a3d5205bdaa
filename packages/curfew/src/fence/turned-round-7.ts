import * as turned from '../stores/lmdb/index.ts';

export const used = turned;
