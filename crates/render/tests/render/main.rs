//! Every format over the same sample reports.

#[cfg(test)]
mod audits;
#[cfg(test)]
mod axe;
#[cfg(test)]
mod diagnosis;
#[cfg(test)]
mod dom;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod html;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod json;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod markdown;
#[cfg(test)]
mod other;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod senders;
#[cfg(test)]
mod text;
#[cfg(test)]
mod xml;
