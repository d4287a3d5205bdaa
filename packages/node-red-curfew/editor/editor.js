/* What the editors of all nodes have in common; how they differ stands in their specifications, by type. */
((specifications) => {
  return {
    label: (type) =>
      function label() {
        return this.name || specifications[type].palette;
      },

    labelStyle() {
      return this.name ? 'node_label_italic' : '';
    },

    serverLabel: (type) =>
      function label() {
        return this.name || `${specifications[type].palette} ${this.url}`.trim();
      },

    outputLabels: (type) =>
      function outputLabels(index) {
        return specifications[type].outputs[index] ?? this._('curfew.outputs.errors');
      },

    /** What a field may hold; a field that does not count with what else is chosen may hold anything. */
    validate: (type, name) =>
      function validate(value) {
        const { required, types, min, max, kind, when } = specifications[type].fields.find((one) => one.name === name);
        if (value === '' || value === undefined || value === null) return !required || !counts(this, when);
        const given = this[`${name}Type`];
        if (kind === 'integer' && (!types || given === 'num')) return isWithin(value, min, max);
        if (types && given === 'msg') return RED.utils.validatePropertyExpression(value);
        return true;
      },

    /** The server of a service must be there while that service is chosen. */
    validateServer: (when) =>
      function validate(id) {
        return !counts(this, when) || Boolean(id && id !== '_ADD_');
      },

    prepare: (type) =>
      function prepare() {
        const spec = specifications[type];
        for (const { name, types } of spec.fields) {
          if (types) $(`#node-input-${name}`).typedInput({ types, typeField: `#node-input-${name}Type` });
        }
        onChange(spec.conditions, () => showRows(spec));
        onChange(['errorManagement'], () => {
          const manual = $('#node-input-errorManagement').val() === 'manual';
          $('#node-input-outputs').val(spec.outputs.length + (manual ? 1 : 0));
        });
        onChange(['inputCount'], () => $('.curfew-several').toggle(Number($('#node-input-inputCount').val()) > 1));
      },

    prepareServer: (type) =>
      function prepare() {
        const spec = specifications[type];
        const show = () => {
          const way = $('#node-config-input-way').val() ?? spec.ways[0].way;
          const shown = spec.ways.find((one) => one.way === way)?.fields ?? [];
          for (const { name } of spec.fields) $(`.curfew-row-${name}`).toggle(shown.includes(name));
        };
        $('#node-config-input-way').on('change', show);
        show();
        $('.curfew-test').on('click', () => test(this, spec));
      },
  };

  function counts(node, when) {
    return Object.entries(when ?? {}).every(([name, values]) => values.includes(node[name]));
  }

  function isWithin(value, min, max) {
    const number = Number(value);
    return Number.isInteger(number) && number >= (min ?? -Infinity) && number <= (max ?? Infinity);
  }

  function onChange(names, act) {
    for (const name of names) $(`#node-input-${name}`).on('change', act);
    act();
  }

  /** Shows the rows that count with what is chosen in the dialogue. */
  function showRows(spec) {
    const chosen = (name) => {
      const input = $(`#node-input-${name}`);
      return input.is(':checkbox') ? input.is(':checked') : input.val();
    };
    for (const { name, when, types } of [...spec.fields, ...spec.servers]) {
      const isShown = Object.entries(when ?? {}).every(([other, values]) => values.includes(chosen(other)));
      $(`.curfew-row-${name}`).toggle(isShown);
      // One that was hidden has not measured itself yet.
      if (types && isShown) $(`#node-input-${name}`).typedInput('show');
    }
  }

  /** Asks the runtime to try what stands in the dialogue, and shows what it says. */
  function test(node, spec) {
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
      data: JSON.stringify({ id: node.id, service: spec.service, fields }),
    })
      .done(({ ok, message }) => result.addClass(ok ? 'curfew-good' : 'curfew-bad').text(message))
      .fail((_, status) => result.addClass('curfew-bad').text(`${node._('curfew.test.failed')} (${status})`));
  }
})(SPECIFICATIONS);
