import './support/this-engine.ts';
import '../../n8n/test/earlier.test.ts';
