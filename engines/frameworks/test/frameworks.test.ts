import { behavesAsTheOthers } from './behaviour.ts';
import { programs } from './programs.ts';

for (const [name, program] of Object.entries(programs)) behavesAsTheOthers(name, program);
