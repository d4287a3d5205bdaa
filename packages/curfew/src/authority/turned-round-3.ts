import * as turned from '../http/server.ts';

export const used = turned;
