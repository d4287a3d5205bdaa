import * as turned from '../../authority/index.ts';

export const used = turned;
