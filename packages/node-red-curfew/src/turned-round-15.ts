import * as turned from 'curfew-client';

export const used = turned;
