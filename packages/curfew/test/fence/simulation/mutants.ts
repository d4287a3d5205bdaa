import { fileURLToPath } from 'node:url';

/** A rule removed from the real code: the original texts and their replacements. */
export type Mutant = {
  rule: string;
  breaks: string;
  file: string;
  /** `elsewhere`: in another file than `file`. */
  edits: readonly (readonly [there: string, instead: string, elsewhere?: string])[];
  /** Random schedules rarely show it; this test does. */
  shownBy?: string;
};

const path = (relative: string) => fileURLToPath(new URL(`../../../../${relative}`, import.meta.url));
const client = (name: string) => path(`client/src/fence/${name}.ts`);
const node = (name: string) => path(`curfew/src/fence/${name}.ts`);
const knownKeys = path('curfew/src/authority/known-keys.ts');

export const mutants: Record<string, Mutant> = {
  'holder-from-answer': {
    rule: 'R1',
    breaks: "a verifier's lease runs from the moment the answer came",
    file: client('attachment'),
    edits: [['lease.take(asked, length)', 'lease.take(this.#clock.now(), length)']],
  },
  'node-from-answer': {
    rule: 'R1',
    breaks: "a node's lease runs from the moment the answer came",
    file: node('lease-keeper'),
    edits: [['Math.max(...passed.map(({ asked }) => asked))', 'this.#around.clock.now()']],
  },
  'one-clock': {
    rule: 'R1',
    breaks: 'a holder uses only its monotonic clock, which stands still while the machine sleeps',
    file: client('timing'),
    edits: [['Math.max(mono - this.#mono, wall - this.#wall)', 'mono - this.#mono']],
  },
  'no-margin': {
    rule: 'R1',
    breaks: 'no margin allows for clocks that drift apart',
    file: client('timing'),
    edits: [['return length * 1.2 + 50;', 'return length;']],
  },
  'counter-stays': {
    rule: 'R2',
    breaks: "a renewal does not raise the row's counter",
    file: node('lease-keeper'),
    edits: [['    this.#counter += 1;\n', '']],
  },
  'removes-without-looking': {
    rule: 'R2',
    breaks: 'a row that was judged dead is removed although it has been renewed since',
    file: node('propagation-waits'),
    edits: [['removeNode(row.id, row.counter)', 'removeNode(row.id)']],
  },
  'removes-while-owing': {
    rule: 'R2',
    breaks: 'a node that closes removes its row while verifiers still hold its leases',
    file: node('node'),
    edits: [['    await this.release();\n', '']],
  },
  'not-capped': {
    rule: 'R3',
    breaks: "a verifier's lease outlasts its node's",
    file: node('node'),
    edits: [['Math.min(this.#streams.termOf(holder), this.leaseLeft())', 'this.#streams.termOf(holder)']],
  },
  'no-barrier': {
    rule: 'R4',
    breaks: "a renewal counts before the log's head is applied",
    file: node('lease-keeper'),
    edits: [['.filter(({ head }) => head.sequence <= tail.sequence)', '.filter(({ head }) => head.sequence >= 0)']],
  },
  'question-before-tail': {
    rule: 'R5',
    breaks: 'a node reads sessions and renews before it knows where its tail begins',
    file: node('node'),
    edits: [
      ['    await this.started;\n    const verdict', '    const verdict'],
      ['    await started;\n    if (this.#over) return;\n', '    if (this.#over) return;\n', node('lease-keeper')],
    ],
  },
  'drops-late': {
    rule: 'R6',
    breaks: 'a verifier acknowledges first, then drops',
    file: client('attachment'),
    edits: [
      [
        'for (const change of message.changes) this.cache.drop(change);',
        'for (const change of message.changes) this.#settings.timing.after(30, () => this.cache.drop(change));',
      ],
    ],
  },
  'own-drops-late': {
    rule: 'R6',
    breaks: 'a node publishes its low watermark before its own verifier drops',
    file: node('node'),
    edits: [
      [
        'for (const change of changes) this.own.drop(change);',
        'for (const change of changes) this.ports.timing.after(30, () => this.own.drop(change));',
      ],
    ],
  },
  'only-leased': {
    rule: 'R7',
    breaks: 'a verifier without a lease does not hear of changes',
    file: node('stream-book'),
    edits: [['connection.tell(text, tail);', 'if (connection.outstanding.until > now) connection.tell(text, tail);']],
  },
  'grant-overtakes': {
    rule: 'R7',
    breaks: 'a grant overtakes a change',
    file: node('stream-book'),
    edits: [
      [
        'connection.tell(text, tail);',
        'const [late, last] = [text, tail]; this.#ports.timing.after(60, () => connection.tell(late, last));',
      ],
    ],
  },
  'closed-is-ack': {
    rule: 'R8',
    breaks: 'a closed stream counts as an ack',
    file: node('stream-book'),
    edits: [['    this.#gone.add(connection);\n', '    connection.outstanding.forgive();\n']],
  },
  'any-ack': {
    rule: 'R9',
    breaks: 'the ack of an earlier change counts for a later one',
    file: node('verifier-connection'),
    edits: [
      ['this.outstanding.acknowledge(message.sequence)', 'this.outstanding.acknowledge(Number.POSITIVE_INFINITY)'],
    ],
  },
  'skips-a-gap': {
    rule: 'R10',
    breaks: 'a node whose log was trimmed continues with the rest',
    file: node('log-follower'),
    edits: [
      ["if (first.sequence > from.sequence) return 'log_trimmed';", ''],
      ['sequence !== start + i', 'sequence < start + i'],
      ['if (first.mark !== from.mark)', 'if (first.sequence === from.sequence && first.mark !== from.mark)'],
      [
        'from.sequence === 0 ? entries : entries.slice(1)',
        'entries.filter(({ sequence }) => sequence > from.sequence)',
      ],
    ],
  },
  'numbers-alone': {
    rule: 'R10',
    breaks: 'a log that continues at the same sequence counts as the same log',
    file: node('log-follower'),
    edits: [
      ['if (first.mark !== from.mark)', 'if (first.mark === undefined)'],
      ['return read !== undefined && read !== mark;', 'return read !== undefined && mark === undefined;'],
    ],
  },
  'pull-unmarked': {
    rule: 'R10',
    breaks: 'a reader does not check that its last entry is still the same',
    file: node('log-follower'),
    edits: [['if (first.mark !== from.mark)', 'if (first.mark === undefined)']],
  },
  'renewal-unmarked': {
    shownBy: 'propagation-waits.test.ts',
    rule: 'R10',
    breaks: 'a renewal checks only the sequence of the head',
    file: node('log-follower'),
    edits: [['return read !== undefined && read !== mark;', 'return read !== undefined && mark === undefined;']],
  },
  'judged-by-own-setting': {
    rule: 'R2',
    breaks: 'a waiter judges every row by the length of its own leases',
    file: node('propagation-waits'),
    edits: [
      ['const lease = leaseOf(row.id) ?? this.#usual;', 'const lease = leaseOf(row.id) ? this.#usual : this.#usual;'],
    ],
  },
  'own-time-only': {
    rule: 'R16',
    breaks: 'a wait lasts for a lease of its own node, whatever the others have',
    file: node('propagation-waits'),
    edits: [['this.#lease = Math.max(this.#lease, lease);', 'this.#lease = Math.max(this.#lease, this.#usual);']],
  },
  'lost-rows-are-seen': {
    rule: 'R10',
    breaks: 'after a failover, a process assumes that no node has had longer leases than those that it has seen',
    file: node('propagation-waits'),
    edits: [['withMargin(Math.max(this.#lease, this.#assumed))', 'withMargin(Math.max(this.#lease, this.#usual))']],
  },
  'row-of-another-log': {
    shownBy: 'propagation-waits.test.ts',
    rule: 'R10',
    breaks: 'what a node has applied of a replaced log counts for the new one',
    file: node('propagation-waits'),
    edits: [['row.current && row.applied', 'row.applied']],
  },
  'own-log-unproven': {
    rule: 'R10',
    breaks: 'what this node has applied of a replaced log counts for the new one',
    file: node('propagation-waits'),
    edits: [['      if (!follows) continue;\n', '']],
  },
  'trusts-lost-rows': {
    rule: 'R10',
    breaks: 'after a failover that lost the rows, an end waits only for the remaining ones',
    file: node('propagation-waits'),
    edits: [['if (incarnation !== known?.id || known.since === undefined) {', 'if (known?.since === undefined) {']],
  },
  'trusts-at-once': {
    shownBy: 'propagation-waits.test.ts',
    rule: 'R10',
    breaks: 'a process that starts after a failover trusts the rows at once',
    file: node('propagation-waits'),
    edits: [['const another = failedOver || !confirmed;', 'const another = failedOver;']],
  },
  'confirms-at-once': {
    shownBy: 'propagation-waits.test.ts',
    rule: 'R10',
    breaks: 'an incarnation is confirmed before the grants of the previous one have run out',
    file: node('propagation-waits'),
    edits: [
      [
        'if (confirmed || now - (this.#incarnation?.since ?? now) < this.#longestUnseen) return;',
        'if (confirmed) return;',
      ],
    ],
  },
  'forgets-its-own': {
    shownBy: 'propagation-waits.test.ts',
    rule: 'R10',
    breaks: 'a node that starts over forgets what it granted under its earlier id',
    file: node('propagation-waits'),
    edits: [['    for (const waiter of this.#waiters) waiter.nodes = undefined;\n', '']],
  },
  'lease-unread': {
    rule: 'R11',
    breaks: 'a cached answer is given without a check of the lease',
    file: client('exact-cache'),
    edits: [['if (!this.lease.validAt(now) || !looksLike(', 'if (!looksLike(']],
  },
  'keeps-spoiled': {
    rule: 'R13',
    breaks: 'an answer is cached although a change arrived meanwhile',
    file: client('exact-cache'),
    edits: [['    return !fill.spoiled && (this', '    return (this']],
  },
  'wide-does-not-spoil': {
    rule: 'R13',
    breaks: 'a change of all sessions of a user does not spoil an open question about one of them',
    file: client('exact-cache'),
    edits: [['    return !fill.spoiled && (this.#users.get(userId) ?? 0) <= fill.heard;', '    return !fill.spoiled;']],
  },
  'forgets-users-early': {
    rule: 'R13',
    breaks: 'the changes that an older open question must be compared with are forgotten when a later one is answered',
    file: client('exact-cache'),
    edits: [['if (oldest && last > oldest.heard) break;', 'if (oldest && last > this.#heard) break;']],
  },
  'newest-alone-is-spoiled': {
    rule: 'R13',
    breaks: 'of two open questions about one token only the later hears of a change',
    file: client('exact-cache'),
    edits: [['else for (const fill of this.#open)', 'else for (const fill of this.#newest.values())']],
  },
  'joins-spoiled': {
    rule: 'R14',
    breaks: 'a verification joins a spoiled question',
    file: client('exact-cache'),
    edits: [['const unchanged = !fill.spoiled && fill.heard', 'const unchanged = fill.heard']],
  },
  'joins-unheard-user': {
    rule: 'R14',
    breaks: 'a verification joins a question from before a change of all sessions of its user',
    file: client('exact-cache'),
    edits: [['const unchanged = !fill.spoiled && fill.heard === this.#heard;', 'const unchanged = !fill.spoiled;']],
  },
  'list-before-commit': {
    shownBy: 'propagation-waits.test.ts',
    rule: 'R16',
    breaks: 'the list of nodes is read before the change is written',
    file: node('propagation-waits'),
    edits: [
      [
        'for (const waiter of concerned) {\n      waiter.looked',
        'for (const waiter of this.#waiters) {\n      waiter.looked',
      ],
    ],
  },
  'own-mark-unread': {
    rule: 'R16',
    breaks: 'an end does not wait for the verifiers of its own node',
    file: node('propagation-waits'),
    edits: [
      ['if (!waiter.nodes || this.#here().lowWatermark < waiter.sequence) return;', 'if (!waiter.nodes) return;'],
    ],
  },
  'stored-is-everywhere': {
    rule: 'R17',
    breaks: 'an answer that waited only for the store says everywhere',
    file: node('index'),
    edits: [
      ["if (wait === 'everywhere') return", "if (wait === ('never' as string)) return"],
      ['everywhere: false', 'everywhere: true'],
    ],
  },
  'head-against-later-tail': {
    rule: 'R21',
    breaks: 'the head of a renewal is compared with a tail that has advanced meanwhile',
    file: node('lease-keeper'),
    edits: [['isContradictedBy(head, known)', 'isContradictedBy(head, log.tail)']],
  },
  'pull-before-start': {
    rule: 'R21',
    breaks: "the log is read before the start of the node's tail is known",
    file: node('log-follower'),
    edits: [['if (this.#over || !this.#tail) return;', 'if (this.#over) return;']],
  },
  'renewal-before-start': {
    rule: 'R21',
    breaks: 'a renewal is sent before there is anything to compare its answer with',
    file: node('lease-keeper'),
    edits: [['    await started;\n    if (this.#over) return;\n', '    if (this.#over) return;\n']],
  },
  'asked-is-no-concern': {
    rule: 'R22',
    breaks: 'a session in a verifier’s unanswered question does not concern it',
    file: node('concern'),
    edits: [['this.#asked.has(place) || ', '']],
  },
  'session-is-forgotten': {
    rule: 'R22',
    breaks: 'a change of a session does not concern a verifier that was told of it',
    file: node('verifier-connection'),
    edits: [['    this.#concern.noteSession(id);\n', '']],
  },
  'suspended-is-no-concern': {
    shownBy: 'answered.test.ts',
    rule: 'R22',
    breaks: 'a change of a session does not concern a verifier that was told that it is suspended',
    file: node('verifier-connection'),
    edits: [["verdict.reason === 'suspended'", "verdict.reason === 'malformed'"]],
  },
  'unknown-user-is-no-concern': {
    rule: 'R22',
    breaks: 'a change of all sessions of a user does not concern a verifier with an open question',
    file: node('concern'),
    edits: [['if (this.#open > 0) return true;', "if (this.#open > 0 && of === 'all') return true;"]],
  },
  'user-is-forgotten': {
    rule: 'R22',
    breaks: 'a change of all sessions of a user does not concern a verifier that knows one of them',
    file: node('verifier-connection'),
    edits: [['    this.#concern.noteUser(userId);\n', '']],
  },
  'closed-is-no-concern': {
    rule: 'R22',
    breaks: 'a change does not concern a verifier whose stream was closed before it',
    file: node('stream-book'),
    edits: [
      [
        'for (const connection of [...this.#streams, ...this.#gone]) {',
        'for (const connection of [...this.#streams]) {',
      ],
    ],
  },
  'any-key-is-the-holder': {
    shownBy: 'keys.test.ts',
    rule: 'R8',
    breaks: 'a hello with another key releases the streams of the same holder',
    file: node('verifier-connection'),
    edits: [['{this.keyId} $', "{''} $"]],
  },
  'revoked-goes-on': {
    rule: 'R23',
    breaks: 'a stream continues although its key was revoked',
    file: node('stream-book'),
    edits: [['        connection.letGo(tail);\n', '']],
  },
  'revoked-owes-nothing': {
    rule: 'R23',
    breaks: 'a revocation does not wait for the leases of its streams',
    file: node('stream-book'),
    edits: [
      [
        'if (!connection.outstanding.owe(entry.sequence, now)) continue;',
        'if (isOfItsKey || !connection.outstanding.owe(entry.sequence, now)) continue;',
      ],
    ],
  },
  'admitted-by-what-was': {
    shownBy: 'keys.test.ts',
    rule: 'R23',
    breaks: 'a key that was revoked while the store was asked about it is let in',
    file: node('verifier-connection'),
    edits: [['while (this.#revoked.has(this.#key.id));', "while (this.#revoked.has(''));"]],
  },
  'knows-keys-without-a-lease': {
    shownBy: 'known-keys.test.ts',
    rule: 'R23',
    breaks: 'a server whose lease has run out accepts a key that it remembers',
    file: knownKeys,
    edits: [['known && this.#fence.leased && ', 'known && ']],
  },
  'knows-keys-for-ever': {
    shownBy: 'known-keys.test.ts',
    rule: 'R23',
    breaks: 'a server still remembers a key after it has applied its revocation',
    file: knownKeys,
    edits: [['      known?.forget();\n', '']],
  },
  'knows-keys-as-they-were': {
    shownBy: 'known-keys.test.ts',
    rule: 'R23',
    breaks: 'a server remembers an answer about a key that its revocation has overtaken',
    file: knownKeys,
    edits: [[' || changed) return', ') return']],
  },
  'knows-keys-from-before-the-tail': {
    shownBy: 'node.test.ts',
    rule: 'R23',
    breaks: 'a server remembers a key that it read between the end of a node and the beginning of the next',
    file: node('node'),
    edits: [['    this.#events.onBegin();\n', '']],
  },
  'admits-before-the-tail': {
    shownBy: 'keys.test.ts',
    rule: 'R5',
    breaks: 'the store is asked about a key before the start of the tail is known',
    file: node('verifier-connection'),
    edits: [['      await this.#host.started;\n      if (this.#isOver()) return;\n', '']],
  },
  'any-ack-is-the-last': {
    shownBy: 'keys.test.ts',
    rule: 'R23',
    breaks: 'the ack of an earlier change counts for dropping everything',
    file: node('verifier-connection'),
    edits: [['message.sequence === this.#sent)', 'message.sequence <= this.#sent)']],
  },
  'lost-is-everywhere': {
    rule: 'R17',
    breaks: 'an end that a failover lost while it waited is reported as complete everywhere',
    file: node('propagation-waits'),
    edits: [
      [
        '    for (const waiter of this.#waiters) waiter.fail(unknown(',
        '    for (const waiter of []) (waiter as Waiter).fail(unknown(',
      ],
    ],
  },
  'time-alone-is-enough': {
    rule: 'R17',
    breaks: 'an end that has waited the full time returns without asking the store again',
    file: node('propagation-waits'),
    edits: [
      [
        '        waiter.due = true;\n',
        "        waiter.nodes = { applied: 0, asked: began };\n        finish('timeout');\n",
      ],
    ],
  },
  'last-word-too-late': {
    shownBy: 'propagation-waits.test.ts',
    rule: 'R17',
    breaks: 'a node that stood still accepts an old answer as the store’s last word',
    file: node('propagation-waits'),
    edits: [['if (follows && !this.#isOld(asked)) {', 'if (follows) {']],
  },
  'list-too-old': {
    rule: 'R17',
    breaks: 'a read of the list counts however old it is',
    file: node('propagation-waits'),
    edits: [['if (this.#isOld(waiter.nodes.asked)) {', 'if (waiter.nodes.asked < 0) {']],
  },
};
