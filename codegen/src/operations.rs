//! The table of operations: `OperationId`, its specifications, and `impl Operation` and
//! `impl JsonSchema` for each argument type.

use heck::ToSnakeCase;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::{Map, Value};

use crate::document::{Basis, Document, Location, Operation, Origin, Parameter, Series, Shape};
use crate::schema::Output;

/// The identifier that progenitor and typify make of a name: a keyword gets an underscore.
fn identifier(name: &str) -> Ident {
    syn::parse_str(name).unwrap_or_else(|_| format_ident!("{name}_"))
}

pub(crate) fn generate(document: &Document) -> TokenStream {
    let operations = &document.operations;
    let variants: Vec<Ident> = operations
        .iter()
        .map(|operation| identifier(&operation.pascal_name()))
        .collect();
    let arguments = operations
        .iter()
        .map(|operation| format_ident!("{}Args", operation.pascal_name()));
    let summaries = operations.iter().map(|operation| {
        format!(
            "`{} {}`: {}.",
            operation.method, operation.path, operation.summary
        )
    });
    let specifications = operations
        .iter()
        .map(|operation| specification(operation, &document.schemas));
    let implementations = operations
        .iter()
        .map(|operation| implementation(operation, &document.schemas));
    quote! {
        /// Names one operation of the OpenAPI document.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum OperationId {
            #( #[doc = #summaries] #variants, )*
        }

        impl OperationId {
            /// Every operation, in the order of the document.
            pub const ALL: &[Self] = &[ #( Self::#variants, )* ];

            /// What the document says about the operation.
            pub const fn specification(self) -> &'static crate::opmanager::Specification {
                &SPECIFICATIONS[self as usize]
            }
        }

        /// Gives the argument types of all operations to a macro, for what is done with each of them.
        #[doc(hidden)]
        #[macro_export]
        macro_rules! for_each_operation {
            ($visit:ident) => {
                $visit!(#(#arguments)*)
            };
        }

        static SPECIFICATIONS: &[crate::opmanager::Specification] = &[ #(#specifications),* ];

        #(#implementations)*
    }
}

fn specification(operation: &Operation, schemas: &Map<String, Value>) -> TokenStream {
    let Operation {
        id,
        method,
        path,
        tag,
        summary,
        exactly_one_of,
        ..
    } = operation;
    let description = operation.full_description();
    let variant = identifier(&operation.pascal_name());
    let arguments = format!("{}Args", operation.pascal_name());
    let schema = operation.arguments_schema().to_string();
    let constants = operation.parameters.iter().filter_map(|parameter| {
        let name = &parameter.name;
        parameter
            .constant
            .as_ref()
            .map(|constant| quote!((#name, #constant)))
    });
    let rate_limit = match operation.rate_limit {
        None => quote!(None),
        Some(limit) => {
            let requests_per_minute = limit.requests_per_minute;
            let block_minutes = match limit.block_minutes {
                None => quote!(None),
                Some(minutes) => quote!(Some(#minutes)),
            };
            quote!(Some(crate::opmanager::RateLimit {
                requests_per_minute: #requests_per_minute,
                block_minutes: #block_minutes,
            }))
        }
    };
    let list = match operation.list(schemas) {
        None => quote!(None),
        Some(path) => quote!(Some(&[ #(#path),* ])),
    };
    let Shape {
        default_fields,
        beside,
        layout,
        series,
    } = &operation.shape;
    let around = operation.around(schemas);
    let repeated = around.iter().filter(|name| !beside.contains(name));
    let series = series.iter().map(|series| {
        let Series {
            path,
            time,
            value,
            unit,
        } = series;
        quote!(crate::result::Series {
            path: &[ #(#path),* ],
            time: #time,
            value: #value,
            unit: &[ #(#unit),* ],
        })
    });
    let codes = operation.codes(schemas);
    let codes = codes.iter().map(|(word, code)| quote!((#word, #code)));
    let only_members = operation.only_members.iter();
    let defaults = operation.arguments().filter_map(|parameter| {
        let name = &parameter.name;
        let default = parameter.default.as_ref()?.to_string();
        Some(quote!((#name, #default)))
    });
    let own = origin(operation.basis(), &operation.origin);
    let parameters = operation.arguments().filter_map(|parameter| {
        let basis = operation.basis_of(parameter);
        let name = &parameter.name;
        let origin = origin(basis, &parameter.origin);
        (basis != operation.basis() || parameter.origin.is_of_some_builds())
            .then(|| quote!((#name, #origin)))
    });
    let markup = operation.markup(schemas);
    let markup = markup.iter();
    let pages = operation.pages(schemas);
    let pages = pages.iter();
    let answer = operation.outline(schemas).to_string();
    let expected = format_ident!(
        "{}",
        if operation.bare_message {
            "BareMessage"
        } else {
            "Json"
        }
    );
    quote! {
        crate::opmanager::Specification {
            operation: OperationId::#variant,
            id: #id,
            method: #method,
            path: #path,
            tag: #tag,
            summary: #summary,
            description: #description,
            arguments: #arguments,
            schema: #schema,
            exactly_one_of: &[ #(#exactly_one_of),* ],
            constants: &[ #(#constants),* ],
            defaults: &[ #(#defaults),* ],
            origin: #own,
            parameters: &[ #(#parameters),* ],
            rate_limit: #rate_limit,
            list: #list,
            default_fields: &[ #(#default_fields),* ],
            repeated: &[ #(#repeated),* ],
            layout: &[ #(#layout),* ],
            series: &[ #(#series),* ],
            expected: crate::result::Expected::#expected,
            markup: &[ #(#markup),* ],
            codes: &[ #(#codes),* ],
            only_members: &[ #(#only_members),* ],
            pages: &[ #(#pages),* ],
            answer: #answer,
        }
    }
}

/// Where something comes from, as generated code has it.
fn origin(basis: Basis, origin: &Origin) -> TokenStream {
    let basis = format_ident!("{}", basis.variant());
    let word = |word: &Option<String>| match word {
        None => quote!(None),
        Some(word) => quote!(Some(#word)),
    };
    let (since, variant) = (word(&origin.since), word(&origin.variant));
    quote!(crate::opmanager::Origin {
        basis: crate::opmanager::Basis::#basis,
        since: #since,
        variant: #variant,
    })
}

/// The arguments with what is sent where a caller gives nothing, as `filled`.
fn filled(operation: &Operation) -> TokenStream {
    let fields = operation.arguments().filter_map(|parameter| {
        let Parameter {
            name,
            default: Some(default),
            unsent,
            ..
        } = parameter
        else {
            return None;
        };
        let field = identifier(&name.to_snake_case());
        let default = default.to_string();
        let unsent = match unsent {
            None => quote!(None),
            Some(word) => quote!(Some(#word)),
        };
        Some(quote! {
            filled.#field = crate::opmanager::operation::sent(filled.#field, #default, #unsent);
        })
    });
    quote! {
        let mut filled = self.clone();
        #(#fields)*
    }
}

fn implementation(operation: &Operation, schemas: &Map<String, Value>) -> TokenStream {
    let variant = identifier(&operation.pascal_name());
    let arguments = format_ident!("{}Args", operation.pascal_name());
    let output = match operation.output(schemas) {
        Output::Schema(name) => {
            let name = format_ident!("{name}");
            quote!(types::#name)
        }
        Output::List(name) => {
            let name = format_ident!("{name}");
            quote!(::std::vec::Vec<types::#name>)
        }
        Output::Own => {
            let name = format_ident!("{}Response", operation.pascal_name());
            quote!(types::#name)
        }
    };
    let name = arguments.to_string();
    let method = identifier(&operation.snake_name());
    let has_defaults = operation.arguments().any(|p| p.default.is_some());
    let (filled, given) = if has_defaults {
        (filled(operation), quote!(filled))
    } else {
        (TokenStream::new(), quote!(self))
    };
    let call = if operation.is_mixed() {
        let part = |suffix: &str, location| {
            let part = format_ident!("{}{}", operation.pascal_name(), suffix);
            let fields = operation
                .arguments()
                .filter(|p| p.location == location)
                .map(|parameter| identifier(&parameter.name.to_snake_case()));
            quote!(types::#part { #( #fields: #given.#fields.clone(), )* })
        };
        let query = part("Query", Location::Query);
        let form = part("Form", Location::Form);
        quote!(client.#method(&#query, &#form).await)
    } else if has_defaults {
        quote!(client.#method(&filled).await)
    } else {
        quote!(client.#method(self).await)
    };
    quote! {
        impl crate::opmanager::Operation for types::#arguments {
            const ID: OperationId = OperationId::#variant;
            type Output = #output;

            async fn send(&self, client: &Client) -> crate::opmanager::SendResult {
                #filled
                #call
            }
        }

        impl ::schemars::JsonSchema for types::#arguments {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                #name.into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                OperationId::#variant.specification().json_schema()
            }
        }
    }
}
