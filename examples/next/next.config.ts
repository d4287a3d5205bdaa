import { join } from 'node:path';
import type { NextConfig } from 'next';

// `curfew-client` is in this repository, outside of this folder. With the package from npm, this file is not needed.
const config: NextConfig = { turbopack: { root: join(import.meta.dirname, '../..') } };

export default config;
