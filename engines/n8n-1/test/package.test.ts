import './support/this-engine.ts';
import '../../n8n/test/package.test.ts';
