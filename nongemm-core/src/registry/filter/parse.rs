//! From an expression to a filter.

use std::str::FromStr;

use super::error::FilterError;
use super::key::{Key, number};
use super::lex::{Comparison, Kind, Token, tokens};

/// What is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Text(String),
    Number(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Any(Vec<Expr>),
    All(Vec<Expr>),
    Not(Box<Expr>),
    Compare(Key, Comparison, Operand),
}

/// An expression that takes some entries of a registry and leaves others.
///
/// ```
/// use nongemm_core::registry::Filter;
///
/// let filter: Filter = "group=normalization and not (model=gpt2 or batch>1)".parse()?;
/// let error = "group=normalisation".parse::<Filter>().unwrap_err();
/// assert!(error.to_string().contains("did you mean `normalization`"), "{error}");
/// # Ok::<(), nongemm_core::registry::FilterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub(super) expr: Expr,
}

/// How deep parentheses and `not` may nest.
const DEEPEST: usize = 64;

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser {
            text,
            tokens: tokens(text)?,
            next: 0,
            depth: 0,
        };
        let expr = parser.any()?;
        match parser.peek().kind {
            Kind::End => Ok(Filter { expr }),
            Kind::Close => Err(parser.wrong("this `)` closes nothing; remove it")),
            _ => Err(parser.wrong("expected `and` or `or` before this")),
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        // `End` is last and never taken.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn wrong(&self, message: impl Into<String>) -> FilterError {
        FilterError::at(self.text, self.peek().at, message)
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = matches!(&self.peek().kind, Kind::Word(text) if text == word);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.all()?];
        while self.takes("or") {
            parts.push(self.all()?);
        }
        Ok(Expr::Any(parts))
    }

    fn all(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.not()?];
        while self.takes("and") {
            parts.push(self.not()?);
        }
        Ok(Expr::All(parts))
    }

    fn not(&mut self) -> Result<Expr, FilterError> {
        if self.depth == DEEPEST {
            return Err(self.wrong(format!("nests deeper than {DEEPEST}; simplify it")));
        }
        self.depth += 1;
        let expr = if self.takes("not") {
            Expr::Not(Box::new(self.not()?))
        } else if self.peek().kind == Kind::Open {
            self.inside()?
        } else {
            self.compare()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn inside(&mut self) -> Result<Expr, FilterError> {
        let open = self.take().at;
        let expr = self.any()?;
        match self.peek().kind {
            Kind::Close => {
                self.next += 1;
                Ok(expr)
            }
            Kind::End => Err(FilterError::at(
                self.text,
                open,
                "this `(` is not closed; add `)`",
            )),
            _ => Err(self.wrong("expected `and`, `or` or `)` before this")),
        }
    }

    fn compare(&mut self) -> Result<Expr, FilterError> {
        let Kind::Word(word) = &self.peek().kind else {
            return Err(self.wrong("expected a comparison such as `group=normalization`"));
        };
        let key: Key = word
            .parse()
            .map_err(|message: String| self.wrong(message))?;
        self.next += 1;
        let Kind::Comparison(comparison) = self.peek().kind else {
            let message = format!("expected =, !=, <, <=, >, >= or ~ after `{}`", key.name());
            return Err(self.wrong(message));
        };
        let text_only = comparison == Comparison::Contains;
        let number_only = !matches!(
            comparison,
            Comparison::Equal | Comparison::Unequal | Comparison::Contains
        );
        if (key.is_number() && text_only) || (!key.is_number() && number_only) {
            let what = if key.is_number() {
                "a number"
            } else {
                "a name"
            };
            let message = format!(
                "`{}` is {what}; {} does not fit",
                key.name(),
                comparison.text()
            );
            return Err(self.wrong(message));
        }
        self.next += 1;
        Ok(Expr::Compare(
            key,
            comparison,
            self.operand(key, comparison)?,
        ))
    }

    fn operand(&mut self, key: Key, comparison: Comparison) -> Result<Operand, FilterError> {
        let (Kind::Word(text) | Kind::Quoted(text)) = self.peek().kind.clone() else {
            return Err(self.wrong(format!("expected a value of `{}` here", key.name())));
        };
        let operand = if key.is_number() {
            let number = number(&text);
            let message = || format!("`{text}` is not a whole number such as 8, 4k or 1MiB");
            Operand::Number(number.ok_or_else(|| self.wrong(message()))?)
        } else {
            if comparison != Comparison::Contains {
                key.check(&text).map_err(|message| self.wrong(message))?;
            }
            Operand::Text(text)
        };
        self.next += 1;
        Ok(operand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let error = text.parse::<Filter>().unwrap_err();
        format!("{error}\n{}", error.excerpt())
    }

    #[test]
    fn errors_point_at_what_is_wrong() {
        assert_eq!(
            error("group=normalisation and batch=1"),
            "filter, column 7: unknown group `normalisation`; did you mean `normalization`?; known: \
             gemm, mixed, normalization, activation, arithmetic, memory, logit, roi, interpolation, \
             embedding, pooling, qdq, comm, other, unclassified\n  \
             group=normalisation and batch=1\n        ^"
        );
        assert_eq!(
            error("(batch=1 and seq>x"),
            "filter, column 18: `x` is not a whole number such as 8, 4k or 1MiB\n  \
             (batch=1 and seq>x\n                   ^"
        );
        assert!(error("(batch=1").starts_with("filter, column 1: this `(` is not closed"));
        assert!(error("batch=1)").starts_with("filter, column 8: this `)` closes nothing"));
        assert!(error("batch~1").starts_with("filter, column 6: `batch` is a number; ~ does"));
        assert!(error("model<a").starts_with("filter, column 6: `model` is a name; < does"));
        assert!(error("grop=x").contains("unknown key `grop`; did you mean `group`?"));
        assert!(error("").starts_with("filter, column 1: expected a comparison"));
        assert!(error("model=a batch=1").starts_with("filter, column 9: expected `and` or `or`"));
        assert!(error("model='a").starts_with("filter, column 7: the quote is not closed"));
        assert!(error("é=§").starts_with("filter, column 3: `§` stands for nothing here"));
        assert!(error(&"(".repeat(100_000)).contains("nests deeper than 64"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Filter>().map_err(|error| error.excerpt());
        }

        #[test]
        fn no_tokens_make_it_panic(
            words in proptest::collection::vec(
                proptest::sample::select(vec![
                    "group", "batch", "=", "<", "~", "(", ")", "not", "and", "or", "1", "gemm", "'",
                ]),
                0..12,
            )
        ) {
            let _ = words.join(" ").parse::<Filter>().map_err(|error| error.excerpt());
        }
    }
}
