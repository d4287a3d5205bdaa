import * as turned from '../../cli/main.ts';

export const used = turned;
