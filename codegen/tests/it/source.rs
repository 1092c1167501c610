//! Reads generated source and picks out the items that this crate is answerable for.
//!
//! Leaves out what progenitor and typify write around them: the client, conversions, answer types.

use quote::ToTokens;
use serde_json::Value;
use syn::{Attribute, Expr, ExprStruct, Fields, File, ImplItem, Item, ItemImpl, ItemStruct, Lit};

/// The source generated from one document.
pub(crate) struct Source(File);

/// A field of an argument struct.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The name on the wire.
    pub(crate) name: String,
    /// Its type without spaces.
    pub(crate) kind: String,
}

impl Source {
    #[track_caller]
    pub(crate) fn of(document: &str) -> Self {
        let source = opmanager_codegen::generate(document).expect("the document generates");
        Self(syn::parse_file(&source).expect("the source is Rust"))
    }

    /// `OperationId` and the table of specifications.
    pub(crate) fn table(&self) -> String {
        print(self.0.items.iter().filter(|item| match item {
            Item::Enum(item) => item.ident == "OperationId",
            Item::Impl(item) => compact(&item.self_ty) == "OperationId",
            Item::Static(item) => item.ident == "SPECIFICATIONS",
            _ => false,
        }))
    }

    /// `impl Operation` and `impl JsonSchema` of every argument type.
    pub(crate) fn implementations(&self) -> String {
        print(self.0.items.iter().filter(|item| {
            match item {
                Item::Impl(item) => ["crate::opmanager::Operation", "::schemars::JsonSchema"]
                    .contains(&implemented(item).as_str()),
                _ => false,
            }
        }))
    }

    /// The argument structs, their parts by location, and the enums of their fields.
    pub(crate) fn arguments(&self) -> String {
        print(self.types().iter().filter(|item| match item {
            Item::Struct(item) => is_arguments(&item.ident.to_string()),
            Item::Enum(item) => item.ident.to_string().contains("Args"),
            _ => false,
        }))
    }

    /// Names of all generated structs, enums and aliases.
    pub(crate) fn type_names(&self) -> Vec<String> {
        self.types()
            .iter()
            .filter_map(|item| match item {
                Item::Struct(item) => Some(item.ident.to_string()),
                Item::Enum(item) => Some(item.ident.to_string()),
                Item::Type(item) => Some(item.ident.to_string()),
                _ => None,
            })
            .collect()
    }

    /// Names of all methods of the client.
    pub(crate) fn client_methods(&self) -> Vec<String> {
        let methods = |item: &ItemImpl| {
            let names = item.items.iter().filter_map(|item| match item {
                ImplItem::Fn(method) => Some(method.sig.ident.to_string()),
                _ => None,
            });
            names.collect::<Vec<_>>()
        };
        self.implementations_of("Client")
            .filter(|item| item.trait_.is_none())
            .flat_map(methods)
            .collect()
    }

    /// The fields of a generated struct, by their names on the wire.
    #[track_caller]
    pub(crate) fn fields(&self, name: &str) -> Vec<Field> {
        let item = self.structure(name);
        let Fields::Named(fields) = &item.fields else {
            panic!("{name} has no named fields");
        };
        fields
            .named
            .iter()
            .map(|field| {
                let ident = field.ident.as_ref().expect("a named field").to_string();
                Field {
                    name: renamed(&field.attrs).unwrap_or(ident),
                    kind: compact(&field.ty),
                }
            })
            .collect()
    }

    /// Whether a generated struct refuses fields that it does not know.
    #[track_caller]
    pub(crate) fn is_closed(&self, name: &str) -> bool {
        let attributes = &self.structure(name).attrs;
        attributes
            .iter()
            .any(|attribute| compact(attribute) == "#[serde(deny_unknown_fields)]")
    }

    /// The values on the wire of a generated enum without data.
    #[track_caller]
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.types()
            .iter()
            .find_map(|item| match item {
                Item::Enum(item) if item.ident == name => Some(item),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{name} is generated"))
            .variants
            .iter()
            .map(|variant| renamed(&variant.attrs).unwrap_or_else(|| variant.ident.to_string()))
            .collect()
    }

    /// `Operation::Output` of an argument type, without spaces.
    #[track_caller]
    pub(crate) fn output(&self, arguments: &str) -> String {
        self.operation(arguments)
            .items
            .iter()
            .find_map(|item| match item {
                ImplItem::Type(item) if item.ident == "Output" => Some(compact(&item.ty)),
                _ => None,
            })
            .expect("every operation has an output")
    }

    /// The body of `Operation::send` of an argument type, without spaces.
    #[track_caller]
    pub(crate) fn send(&self, arguments: &str) -> String {
        self.operation(arguments)
            .items
            .iter()
            .find_map(|item| match item {
                ImplItem::Fn(item) if item.sig.ident == "send" => Some(compact(&item.block)),
                _ => None,
            })
            .expect("every operation can be sent")
    }

    /// The operation ids of the table, in its order.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.specifications()
            .map(|specification| literal(field(specification, "id")))
            .collect()
    }

    /// A field of an operation's specification, without spaces.
    #[track_caller]
    pub(crate) fn specified(&self, id: &str, name: &str) -> String {
        compact(field(self.specification(id), name))
    }

    /// The arguments schema in an operation's specification.
    #[track_caller]
    pub(crate) fn schema(&self, id: &str) -> Value {
        let schema = literal(field(self.specification(id), "schema"));
        serde_json::from_str(&schema).expect("the schema is JSON")
    }

    /// Asserts that every type and client method that `impl Operation` names exists.
    #[track_caller]
    pub(crate) fn assert_complete(&self) {
        let (types, methods) = (self.type_names(), self.client_methods());
        for (prefix, known) in [("types::", types), ("client.", methods)] {
            let text: String = self.implementations().split_whitespace().collect();
            for rest in text.split(prefix).skip(1) {
                let name: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                assert!(known.contains(&name), "{prefix}{name} is not generated");
            }
        }
    }

    fn specification(&self, id: &str) -> &ExprStruct {
        self.specifications()
            .find(|specification| literal(field(specification, "id")) == id)
            .unwrap_or_else(|| panic!("{id} is in the table"))
    }

    fn specifications(&self) -> impl Iterator<Item = &ExprStruct> {
        let table = self.0.items.iter().find_map(|item| match item {
            Item::Static(item) if item.ident == "SPECIFICATIONS" => Some(&*item.expr),
            _ => None,
        });
        let Some(Expr::Reference(table)) = table else {
            panic!("the table is a reference");
        };
        let Expr::Array(table) = &*table.expr else {
            panic!("the table is an array");
        };
        table.elems.iter().map(|element| match element {
            Expr::Struct(specification) => specification,
            other => panic!("not a specification: {}", compact(other)),
        })
    }

    fn types(&self) -> &[Item] {
        let items = self.0.items.iter().find_map(|item| match item {
            Item::Mod(item) if item.ident == "types" => Some(&item.content.as_ref()?.1),
            _ => None,
        });
        items.expect("there is a module of types")
    }

    fn structure(&self, name: &str) -> &ItemStruct {
        self.types()
            .iter()
            .find_map(|item| match item {
                Item::Struct(item) if item.ident == name => Some(item),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{name} is generated"))
    }

    fn operation(&self, arguments: &str) -> &ItemImpl {
        self.implementations_of(&format!("types::{arguments}"))
            .find(|item| implemented(item) == "crate::opmanager::Operation")
            .unwrap_or_else(|| panic!("{arguments} is an operation"))
    }

    fn implementations_of(&self, name: &str) -> impl Iterator<Item = &ItemImpl> {
        self.0.items.iter().filter_map(move |item| match item {
            Item::Impl(item) if compact(&item.self_ty) == name => Some(item),
            _ => None,
        })
    }
}

fn is_arguments(name: &str) -> bool {
    ["Args", "Query", "Form"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}

fn implemented(item: &ItemImpl) -> String {
    item.trait_
        .as_ref()
        .map(|(_, name, _)| compact(name))
        .unwrap_or_default()
}

#[track_caller]
fn field<'a>(specification: &'a ExprStruct, name: &str) -> &'a Expr {
    let field = specification
        .fields
        .iter()
        .find(|field| compact(&field.member) == name);
    &field.unwrap_or_else(|| panic!("{name} is specified")).expr
}

#[track_caller]
fn literal(expression: &Expr) -> String {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.value(),
            other => panic!("not a string: {}", compact(other)),
        },
        other => panic!("not a literal: {}", compact(other)),
    }
}

/// The name in `#[serde(rename = "…")]`.
fn renamed(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let text = compact(attribute);
        let (_, rest) = text.split_once("rename=\"")?;
        rest.split_once('"').map(|(name, _)| name.to_owned())
    })
}

/// The tokens without spaces and without the commas of broken lines, so that they compare as text.
fn compact(tokens: impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string().replace(' ', "");
    text.replace(",>", ">")
        .replace(",)", ")")
        .replace(",}", "}")
}

fn print<'a>(items: impl Iterator<Item = &'a Item>) -> String {
    prettyplease::unparse(&File {
        shebang: None,
        attrs: Vec::new(),
        items: items.cloned().collect(),
    })
}
