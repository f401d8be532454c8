import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  // A rest without some keys names the keys that it leaves out.
  { rules: { "no-unused-vars": ["error", { ignoreRestSiblings: true }] } },
  { languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser } },
];
