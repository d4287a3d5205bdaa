import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Node, Program, Symbol as TypeSymbol } from '../../../n8n-lint/node_modules/typescript/lib/typescript.js';

const root = join(import.meta.dirname, '..', '..', '..', '..');
// The compiler of n8n's linter, because the workspace's own has no interface for programs.
const ts = createRequire(join(root, 'engines', 'n8n-lint', 'package.json'))(
  'typescript',
) as typeof import('../../../n8n-lint/node_modules/typescript/lib/typescript.js');

/** A change to a source, to see what would be found: the file, the text in it, and its replacement. */
type Change = readonly [file: string, was: string, is: string];

/**
 * What the packages use of n8n according to an engine's types: the members of n8n's types
 * (`IExecuteFunctions.helpers.httpRequest`) and the values imported. `missing`: what those types lack.
 */
export function usedOfN8n(engine: string, change?: Change): { used: string[]; missing: string[] } {
  const program = programWith(engine, change);
  const checker = program.getTypeChecker();
  const used = new Set<string>();
  const isOfN8n = (symbol: TypeSymbol | undefined) =>
    symbol?.declarations?.some((one) => /n8n-workflow\/dist\//.test(one.getSourceFile().fileName)) === true;

  /** The path of a member from the object that n8n passed: `IExecuteFunctions.helpers.httpRequest`. */
  function pathOf(node: Node): string | undefined {
    if (!ts.isPropertyAccessExpression(node) || !isOfN8n(checker.getSymbolAtLocation(node.name))) return undefined;
    const type = checker.getTypeAtLocation(node.expression);
    const name = pathOf(node.expression) ?? (type.aliasSymbol ?? type.getSymbol())?.getName();
    // Types without a name are those of constants and of parts.
    return name === undefined || name === '__type' ? undefined : `${name}.${node.name.text}`;
  }

  const visit = (node: Node): void => {
    const path = pathOf(node);
    if (path !== undefined) used.add(path);
    if (ts.isImportSpecifier(node) && !node.isTypeOnly && !node.parent.parent.isTypeOnly) {
      const symbol = checker.getAliasedSymbol(checker.getSymbolAtLocation(node.name)!);
      if (isOfN8n(symbol) && symbol.flags & ts.SymbolFlags.Value) used.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  const sources = program
    .getSourceFiles()
    .filter(({ fileName }) => /packages\/(n8n-nodes-[^/]+|nodes-n8n)\//.test(fileName));
  for (const source of sources) visit(source);
  const missing = sources
    .flatMap((source) => program.getSemanticDiagnostics(source))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  return { used: [...used].toSorted(), missing };
}

function programWith(engine: string, change?: Change): Program {
  const parsed = ['nodes-n8n', 'n8n-nodes-curfew', 'n8n-nodes-log-out'].map((name) => {
    const config = join(root, 'packages', name, 'tsconfig.json');
    return ts.parseJsonConfigFileContent(ts.readConfigFile(config, ts.sys.readFile).config, ts.sys, join(config, '..'));
  });
  const settings = {
    ...parsed[0]?.options,
    noEmit: true,
    paths: { 'n8n-workflow': [join(engine, 'node_modules', 'n8n-workflow')] },
  };
  const host = ts.createCompilerHost(settings);
  const read = host.readFile.bind(host);
  host.readFile = (file) => {
    const text = read(file);
    return change && file.endsWith(change[0]) ? text?.replace(change[1], change[2]) : text;
  };
  return ts.createProgram({ rootNames: parsed.flatMap(({ fileNames }) => fileNames), options: settings, host });
}
