import * as turned from '../fence/local.ts';

export const used = turned;
