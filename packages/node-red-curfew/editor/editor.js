/* The editors of all nodes: what differs between them stands in their specifications. */
((specifications) => {
  for (const spec of specifications) {
    RED.nodes.registerType(spec.type, spec.ways ? serverType(spec) : nodeType(spec));
  }

  // ---- Nodes

  function nodeType(spec) {
    const outputs = spec.outputs.length;
    return {
      category: 'curfew',
      color: spec.service ? '#e7b77c' : '#b9b3ee',
      icon: spec.service ? 'log-out.svg' : 'curfew.svg',
      paletteLabel: spec.palette,
      inputs: 1,
      outputs,
      defaults: nodeDefaults(spec),
      label() {
        return this.name || spec.palette;
      },
      labelStyle() {
        return this.name ? 'node_label_italic' : '';
      },
      outputLabels(index) {
        return spec.outputs[index] ?? this._('curfew.outputs.errors');
      },
      oneditprepare() {
        for (const field of typedFields(spec)) {
          $(`#node-input-${field.name}`).typedInput({
            types: field.types,
            typeField: `#node-input-${field.name}Type`,
          });
        }
        const show = () => showRows(spec);
        for (const name of spec.conditions) $(`#node-input-${name}`).on('change', show);
        show();
        const ports = () => {
          const manual = $('#node-input-errorManagement').val() === 'manual';
          $('#node-input-outputs').val(outputs + (manual ? 1 : 0));
        };
        $('#node-input-errorManagement').on('change', ports);
        const several = () => $('.curfew-several').toggle(Number($('#node-input-inputCount').val()) > 1);
        $('#node-input-inputCount').on('change', several);
        several();
      },
    };
  }

  function nodeDefaults(spec) {
    const defaults = {
      name: { value: '' },
      outputs: { value: spec.outputs.length },
      errorManagement: { value: 'automatic' },
    };
    for (const server of spec.servers) {
      // Of Log Out the one that belongs to the chosen service must be there.
      defaults[server.name] = {
        type: server.type,
        required: !server.when,
        ...(server.when && {
          validate(id) {
            return !counts(this, server.when) || Boolean(id && id !== '_ADD_');
          },
        }),
      };
    }
    for (const field of spec.fields) {
      defaults[field.name] = { value: field.value, validate: validatorOf(field) };
      if (field.types) defaults[`${field.name}Type`] = { value: field.type };
    }
    if (spec.several) {
      defaults.inputCount = { value: 1, validate: within(1, spec.several) };
      defaults.inputTimeout = { value: 10_000, validate: within(1, 3_600_000) };
    }
    for (const option of spec.options) defaults[option.name] = { value: option.value, validate: validatorOf(option) };
    return defaults;
  }

  function validatorOf({ name, required, types, min, max, kind }) {
    return function validate(value) {
      if (value === '' || value === undefined || value === null) return !required || !applies(this, name);
      const type = this[`${name}Type`];
      if (kind === 'integer' && (!types || type === 'num')) return within(min, max)(value);
      if (types && type === 'msg') return RED.utils.validatePropertyExpression(value);
      return true;
    };
  }

  const within = (min, max) => (value) => {
    const number = Number(value);
    return value === '' || (Number.isInteger(number) && number >= (min ?? -Infinity) && number <= (max ?? Infinity));
  };

  /** Whether a field counts, with what else is chosen in the node. */
  function applies(node, name) {
    const spec = specifications.find(({ type }) => type === node.type);
    const field = spec?.fields.find((one) => one.name === name);
    return counts(node, field?.when);
  }

  function counts(node, when) {
    return Object.entries(when ?? {}).every(([other, values]) => values.includes(node[other]));
  }

  const typedFields = (spec) => spec.fields.filter(({ types }) => types);

  /** Shows the rows that count with what is chosen in the dialogue. */
  function showRows(spec) {
    const now = (name) => {
      const input = $(`#node-input-${name}`);
      return input.is(':checkbox') ? input.is(':checked') : input.val();
    };
    for (const { name, when } of [...spec.fields, ...spec.servers]) {
      if (!when) continue;
      const isShown = Object.entries(when).every(([other, values]) => values.includes(now(other)));
      $(`.curfew-row-${name}`).toggle(isShown);
    }
  }

  // ---- Servers

  function serverType(spec) {
    const defaults = { name: { value: '' }, way: { value: spec.ways[0].way } };
    const credentials = {};
    for (const field of spec.fields) {
      if (field.kind === 'secret') credentials[field.name] = { type: 'password' };
      else defaults[field.name] = { value: field.value, required: field.name === 'url' };
    }
    return {
      category: 'config',
      defaults,
      credentials,
      label() {
        return this.name || `${spec.palette} ${this.url}`.trim();
      },
      oneditprepare() {
        const show = () => {
          const way = spec.ways.length > 1 ? $('#node-config-input-way').val() : spec.ways[0].way;
          const shown = spec.ways.find((one) => one.way === way)?.fields ?? [];
          for (const { name } of spec.fields) $(`.curfew-row-${name}`).toggle(shown.includes(name));
        };
        $('#node-config-input-way').on('change', show);
        show();
        $('.curfew-test').on('click', () => testServer(this, spec));
      },
    };
  }

  /** Asks the runtime to try what stands in the dialogue, and shows what it says. */
  function testServer(node, spec) {
    const result = $('.curfew-test-result').removeClass('curfew-good curfew-bad').text(node._('curfew.test.running'));
    const fields = { way: $('#node-config-input-way').val() ?? spec.ways[0].way };
    for (const { name } of spec.fields) {
      const input = $(`#node-config-input-${name}`);
      fields[name] = input.is(':checkbox') ? input.is(':checked') : input.val();
    }
    $.ajax({
      url: 'curfew/test',
      type: 'POST',
      contentType: 'application/json',
      data: JSON.stringify({ id: node.id, service: spec.ofService, fields }),
    })
      .done(({ ok, message }) => result.addClass(ok ? 'curfew-good' : 'curfew-bad').text(message))
      .fail((_, status) => result.addClass('curfew-bad').text(`${node._('curfew.test.failed')} (${status})`));
  }
})(SPECIFICATIONS);
