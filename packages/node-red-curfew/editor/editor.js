/* The common parts of all nodes' editors; the specifications, by type, hold the differences. */
((specifications) => {
  /** Counts the tests, so that only the answer to the latest one is shown. */
  let testsAsked = 0;

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
        return this.name || `${specifications[type].label} ${this.url ?? ''}`.trim();
      },

    outputLabels: (type) =>
      function outputLabels(index) {
        return specifications[type].outputs[index] ?? this._('curfew.outputs.errors');
      },

    /** Validates a field; a field that does not apply to the current choices may hold anything. */
    validate: (type, name) =>
      function validate(value) {
        const { required, types, min, max, kind, when, secret } = specifications[type].fields.find(
          (one) => one.name === name,
        );
        const given = this[`${name}Type`];
        if (value === '' || value === undefined || value === null) {
          return !required || !counts(this, when) || (given === 'cred' && isKept(this, secret));
        }
        if (kind === 'integer' && (!types || given === 'num')) return isWithin(value, min, max);
        if (types && given === 'msg') return RED.utils.validatePropertyExpression(value);
        return true;
      },

    /** A service's server is required while that service is chosen. */
    validateServer: (when) =>
      function validate(id) {
        return !counts(this, when) || Boolean(id && id !== '_ADD_');
      },

    prepare: (type) =>
      function prepare() {
        const spec = specifications[type];
        for (const field of spec.fields) {
          const { name, types, secret } = field;
          fillMissing(this, field);
          if (secret) showSecret(name, secret);
          if (types) $(`#node-input-${name}`).typedInput({ types, typeField: `#node-input-${name}Type` });
        }
        takeApart($('#node-input-proxy'));
        onChange(spec.conditions, () => showRows(spec));
        onChange(['errorManagement'], () => {
          const manual = $('#node-input-errorManagement').val() === 'manual';
          $('#node-input-outputs').val(spec.outputs.length + (manual ? 1 : 0));
        });
        onChange(['inputCount'], () => $('.curfew-several').toggle(Number($('#node-input-inputCount').val()) > 1));
      },

    /** Keeps a typed secret with the credentials; the flow only has the source of a secret that comes from elsewhere. */
    save: (type) =>
      function save() {
        for (const { name, secret } of specifications[type].fields) {
          if (!secret) continue;
          const input = $(`#node-input-${name}`);
          const isTyped = input.typedInput('type') === 'cred';
          $(`#node-input-${secret}`).val(isTyped ? input.typedInput('value') : '');
          if (isTyped) input.val('');
        }
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
        // A test result for other values does not apply any more.
        const inputs = [...spec.fields.map(({ name }) => name), 'way'].map((name) => `#node-config-input-${name}`);
        $(inputs.join()).on('input change', forgetTest);
      },
  };

  /** Fills missing fields with the defaults: flows made elsewhere have only the fields of one service. */
  function fillMissing(node, { name, kind, value, types, type }) {
    const input = $(`#node-input-${name}`);
    const isUnknown = kind === 'choice' && input.find('option').length > 0 && input.val() === null;
    if (node[name] !== undefined && !isUnknown) return;
    if (kind === 'flag') input.prop('checked', value);
    else input.val(value);
    if (types && node[`${name}Type`] === undefined) $(`#node-input-${name}Type`).val(type);
  }

  /** Shows a typed secret in its field: from the credentials, or from the flow of a version that kept it there. */
  function showSecret(name, secret) {
    const [input, type] = [$(`#node-input-${name}`), $(`#node-input-${name}Type`)];
    if (type.val() === 'cred') input.val($(`#node-input-${secret}`).val());
    else if (type.val() === 'str' || type.val() === '') type.val('cred');
  }

  /** Moves a user and a password from the URL of a proxy to their own fields, which are credentials. */
  function takeApart(input) {
    const text = String(input.val() ?? '');
    if (!URL.canParse(text)) return;
    const url = new URL(text);
    if (url.username === '' && url.password === '') return;
    if (url.username) $('#node-input-proxyUser').val(decodeURIComponent(url.username));
    if (url.password) $('#node-input-proxyPassword').val(decodeURIComponent(url.password));
    [url.username, url.password] = ['', ''];
    input.val(url.href.replace(/\/$/, ''));
  }

  /** Whether a secret is kept; unknown until the editor has asked the runtime for the node's credentials. */
  function isKept(node, secret) {
    return !node.credentials || Boolean(node.credentials[secret] || node.credentials[`has_${secret}`]);
  }

  function forgetTest() {
    testsAsked += 1;
    $('.curfew-test-result').removeClass('curfew-good curfew-bad').text('');
  }

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

  /** Shows the rows that apply to the choices in the dialogue. */
  function showRows(spec) {
    const chosen = (name) => {
      const input = $(`#node-input-${name}`);
      return input.is(':checkbox') ? input.is(':checked') : input.val();
    };
    for (const { name, when, types } of [...spec.fields, ...spec.servers]) {
      const isShown = Object.entries(when ?? {}).every(([other, values]) => values.includes(chosen(other)));
      $(`.curfew-row-${name}`).toggle(isShown);
      // A hidden input has not measured itself yet.
      if (types && isShown) $(`#node-input-${name}`).typedInput('show');
    }
  }

  /** Asks the runtime to test the values in the dialogue, and shows the result. */
  function test(node, spec) {
    forgetTest();
    const [asked, result] = [testsAsked, $('.curfew-test-result')];
    const show = (isGood, text) => {
      if (asked === testsAsked) result.addClass(isGood ? 'curfew-good' : 'curfew-bad').text(text);
    };
    result.text(node._('curfew.test.running'));
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
      .done(({ ok, message }) => show(ok, message))
      .fail((_, status) => show(false, `${node._('curfew.test.failed')} (${status})`));
  }
})(SPECIFICATIONS);
