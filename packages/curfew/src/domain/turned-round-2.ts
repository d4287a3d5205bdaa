import * as turned from 'node:fs';

export const used = turned;
