import * as turned from 'curfew';

export const used = turned;
