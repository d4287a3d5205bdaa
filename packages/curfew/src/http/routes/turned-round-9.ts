import * as turned from '../../dialects/index.ts';

export const used = turned;
