import './support/this-engine.ts';
import '../../n8n/test/operations.test.ts';
