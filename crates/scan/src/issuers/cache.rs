//! Answers that are kept for a run, the oldest given up first.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

/// Answers by question.
#[derive(Debug)]
pub(super) struct Cache<T> {
    most: usize,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    cells: HashMap<String, Arc<OnceCell<T>>>,
    order: VecDeque<String>,
}

impl<T: Clone> Cache<T> {
    /// Keeps so many answers.
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::new(State { cells: HashMap::new(), order: VecDeque::new() }) }
    }

    /// The answer to a question, which is put once even where several want it at a time.
    pub(super) async fn get<F: Future<Output = T>>(&self, question: &str, ask: impl FnOnce() -> F) -> T {
        let cell = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.cells.contains_key(question) {
                state.order.push_back(question.to_owned());
            }
            let cell = Arc::clone(state.cells.entry(question.to_owned()).or_default());
            while state.order.len() > self.most {
                if let Some(oldest) = state.order.pop_front() {
                    state.cells.remove(&oldest);
                }
            }
            cell
        };
        cell.get_or_init(ask).await.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_kept_until_newer_ones_need_its_place() {
        let cache = Cache::new(2);
        assert_eq!(cache.get("a", || async { 1 }).await, 1);
        assert_eq!(cache.get("a", || async { 2 }).await, 1);
        cache.get("b", || async { 3 }).await;
        cache.get("c", || async { 4 }).await;
        assert_eq!(cache.get("a", || async { 5 }).await, 5);
    }
}
